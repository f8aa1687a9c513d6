// What the search page shows is its address, and nothing else.
import { oneOf, pageOf } from '../../components/use_url_state';
import type { SearchMode, SearchParameters, SourceKind } from '../../services/search';

export const PAGE_SIZE = 20;
export const MODES: readonly [SearchMode, ...SearchMode[]] = ['hybrid', 'lexical', 'semantic'];
export const SOURCES: readonly [SourceKind, ...SourceKind[]] = [
  'upload',
  'external_url',
  'youtube',
];

export interface SearchState {
  q: string;
  mode: SearchMode;
  language: string;
  source: SourceKind | '';
  speaker: string; // speaker_id or ''
  from: string; // YYYY-MM-DD or ''
  to: string;
  page: number;
  selected: number; // index of the selected passage on the page; -1: none
}

const isId = (text: string | null): text is string => /^[0-9a-f-]{36}$/i.test(text ?? '');
const isDay = (text: string | null): text is string => /^\d{4}-\d{2}-\d{2}$/.test(text ?? '');

export function parseSearchState(parameters: URLSearchParams): SearchState {
  const from = parameters.get('from');
  const to = parameters.get('to');
  const speaker = parameters.get('speaker');
  const selected = parameters.get('sel');
  return {
    q: parameters.get('q') ?? '',
    mode: oneOf(parameters.get('mode'), MODES),
    language: parameters.get('language') ?? '',
    source: SOURCES.find((source) => source === parameters.get('source')) ?? '',
    speaker: isId(speaker) ? speaker : '',
    from: isDay(from) ? from : '',
    to: isDay(to) ? to : '',
    page: pageOf(parameters),
    selected: selected !== null && /^\d{1,3}$/.test(selected) ? Number(selected) : -1,
  };
}

export function toParameters(state: SearchState): SearchParameters {
  return {
    q: state.q,
    mode: state.mode,
    ...(state.language && { language: state.language }),
    ...(state.source && { source: state.source }),
    ...(state.speaker && { speaker_id: state.speaker }),
    ...(state.from && { date_from: state.from }),
    ...(state.to && { date_to: state.to }),
    limit: PAGE_SIZE,
    offset: (state.page - 1) * PAGE_SIZE,
  };
}
