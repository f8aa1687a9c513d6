import { useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { useLocation } from 'wouter';
import { Button } from '../../components/button';
import { copy } from '../../components/clipboard';
import { ErrorNotice, Notice, Skeleton } from '../../components/list_state';
import { Pager } from '../../components/pager';
import { useKeys } from '../../components/use_keys';
import { type UrlPatch, useUrlState } from '../../components/use_url_state';
import { ApiError } from '../../services/http';
import { type SearchHit, type SearchMode, searchQuery } from '../../services/search';
import { Filters } from './filters';
import { hitHref, quoteHit, ResultItem } from './result_item';
import { SearchBox } from './search_box';
import { PAGE_SIZE, parseSearchState, toParameters } from './search_state';
import { Summary } from './summary';
import { Welcome } from './welcome';

export function SearchPage() {
  const [parameters, setUrl] = useUrlState();
  const [, navigate] = useLocation();
  const state = parseSearchState(parameters);
  const search = useQuery(searchQuery(toParameters(state)));
  const [playing, setPlaying] = useState<string | null>(null);
  const reply = state.q ? search.data : undefined;
  const hits = reply?.items ?? [];
  const selected = hits[state.selected];

  useEffect(() => {
    document.title = state.q ? `${state.q} · Narralytica` : 'Narralytica';
  }, [state.q]);

  // Another query, mode or filter begins at its first page.
  const change = (patch: UrlPatch) => {
    setPlaying(null);
    setUrl({ ...patch, page: null, sel: null });
  };
  const select = (index: number) => {
    if (hits.length === 0) return;
    const sel = Math.max(0, Math.min(hits.length - 1, index));
    setUrl({ sel }, { replace: true });
  };
  useKeys({
    j: () => select(state.selected + 1),
    k: () => select(state.selected - 1),
    Enter: () => selected && navigate(hitHref(selected, state)),
    c: () => selected && void copy(quoteHit(selected), 'Quote'),
    ' ': () => selected && setPlaying(playing === selected.segment.id ? null : selected.segment.id),
    Escape: () => (playing ? setPlaying(null) : setUrl({ sel: null }, { replace: true })),
  });

  return (
    <div className={state.q ? 'page search' : 'page search search-home'}>
      {!state.q && <h1 className="search-headline">Find what was said</h1>}
      {state.q && <h1 className="visually-hidden">Search</h1>}
      <SearchBox
        value={state.q}
        busy={search.isFetching}
        onSearch={(q) => (q && q === state.q ? void search.refetch() : change({ q }))}
      />
      <Filters state={state} speakerName={speakerOf(hits, state.speaker)} onChange={change} />
      {!state.q && <Welcome />}
      {state.q && search.isError && (
        <ErrorNotice
          error={search.error}
          onRetry={() => void search.refetch()}
          action={isMeaningDown(search.error, state.mode) && <ByWords onChange={change} />}
        />
      )}
      {state.q && search.isPending && <Skeleton rows={5} tall />}
      {reply && !search.isError && (
        <section aria-label="Results" aria-busy={search.isPlaceholderData} className="results">
          <Summary reply={reply} />
          {hits.length === 0 ? (
            <NothingFound mode={state.mode} onChange={change} />
          ) : (
            <ol className="hits">
              {hits.map((hit, index) => (
                <ResultItem
                  key={hit.segment.id}
                  hit={hit}
                  search={state}
                  selected={index === state.selected}
                  playing={playing === hit.segment.id}
                  onPlay={() => setPlaying(hit.segment.id)}
                  onStop={() => setPlaying(null)}
                  onSelect={() => select(index)}
                  onSpeaker={(speaker) => change({ speaker })}
                />
              ))}
            </ol>
          )}
          <Pager
            page={state.page}
            size={PAGE_SIZE}
            total={reply.page.total}
            onPage={(page) => {
              setUrl({ page: page === 1 ? null : page, sel: null });
              scrollTo({ top: 0 });
            }}
          />
        </section>
      )}
    </div>
  );
}

/** The name of the speaker that is filtered by, as the results have it. */
function speakerOf(hits: readonly SearchHit[], speakerId: string): string | null {
  return hits.find(({ speaker }) => speaker?.speaker_id === speakerId)?.speaker?.name ?? null;
}

/** Meaning alone was asked for, and cannot be had now. */
function isMeaningDown(error: Error, mode: SearchMode): boolean {
  return mode === 'semantic' && error instanceof ApiError && error.status === 503;
}

function ByWords({ onChange }: { onChange: (patch: UrlPatch) => void }) {
  return <Button onClick={() => onChange({ mode: 'lexical' })}>Search by words</Button>;
}

function NothingFound({ mode, onChange }: { mode: string; onChange: (patch: UrlPatch) => void }) {
  return (
    <Notice
      icon="search"
      title="Nobody says that in these recordings"
      action={
        mode === 'lexical' && (
          <Button onClick={() => onChange({ mode: null })}>Search by meaning too</Button>
        )
      }
    >
      Try fewer or other words, or take filters away. Words side by side are alternatives; "quotes"
      and AND demand.
    </Notice>
  );
}
