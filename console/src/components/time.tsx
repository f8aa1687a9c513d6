import { useEffect, useState } from 'react';
import { formatAgo, formatExact } from '../format';

const REFRESH_MS = 30_000;

/** A moment, relative; the exact one on hover. */
export function Time({ value }: { value: string }) {
  const [, refresh] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => refresh((count) => count + 1), REFRESH_MS);
    return () => clearInterval(timer);
  }, []);
  return (
    <time dateTime={value} title={formatExact(value)}>
      {formatAgo(value)}
    </time>
  );
}
