import { useCallback, useMemo } from 'react';
import { useLocation, useSearch } from 'wouter';

export type UrlPatch = Readonly<Record<string, string | number | null | undefined>>;

/** The query string as state. `set` merges; null, undefined and '' take a parameter away. */
export function useUrlState() {
  const [path, navigate] = useLocation();
  const search = useSearch();
  const parameters = useMemo(() => new URLSearchParams(search), [search]);
  const set = useCallback(
    (patch: UrlPatch, options: { replace?: boolean } = {}) => {
      const next = mergeParameters(new URLSearchParams(window.location.search), patch);
      navigate(next ? `${path}?${next}` : path, { replace: options.replace ?? false });
    },
    [path, navigate],
  );
  return [parameters, set] as const;
}

export function mergeParameters(parameters: URLSearchParams, patch: UrlPatch): string {
  for (const [name, value] of Object.entries(patch)) {
    if (value === null || value === undefined || value === '') parameters.delete(name);
    else parameters.set(name, String(value));
  }
  return parameters.toString();
}

/** A page number from the address, at least 1. */
export function pageOf(parameters: URLSearchParams): number {
  const page = Number(parameters.get('page'));
  return Number.isInteger(page) && page > 1 ? page : 1;
}

/** A value from the address when it is one of the known ones, else the first of them. */
export function oneOf<T extends string>(value: string | null, known: readonly [T, ...T[]]): T {
  return known.find((candidate) => candidate === value) ?? known[0];
}
