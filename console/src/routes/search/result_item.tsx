import { useEffect, useRef, useState } from 'react';
import { Link } from 'wouter';
import { Button } from '../../components/button';
import { copy, formatQuote } from '../../components/clipboard';
import { Highlight } from '../../components/highlight';
import { Icon } from '../../components/icon';
import { PassagePlayer } from '../../components/passage_player';
import { Poster } from '../../components/poster';
import { formatDate, formatOffset } from '../../format';
import type { SearchHit } from '../../services/search';
import type { SearchState } from './search_state';

interface ResultItemProps {
  hit: SearchHit;
  search: SearchState;
  selected: boolean;
  playing: boolean;
  onPlay: () => void;
  onStop: () => void;
  onSelect: () => void;
  onSpeaker: (speakerId: string) => void;
}

/** Where the recording opens: at the second of the passage, with the query for its ticks. */
export function hitHref({ segment }: SearchHit, { q, mode }: SearchState): string {
  const parameters = new URLSearchParams({
    t: String(Math.floor(segment.start_ms / 1000)),
    q,
  });
  if (mode === 'semantic') parameters.set('mode', mode);
  return `/videos/${segment.video_id}?${parameters}`;
}

export function quoteHit({ segment, video }: SearchHit): string {
  return formatQuote({
    text: segment.text,
    title: video.title,
    videoId: segment.video_id,
    ms: segment.start_ms,
  });
}

function highlightOf(hit: SearchHit, field: 'text' | 'title') {
  const found = hit.highlights.find((highlight) => highlight.field === field);
  if (found) return <Highlight html={found.text} />;
  return field === 'text' ? hit.segment.text : hit.video.title;
}

export function ResultItem(props: ResultItemProps) {
  const { hit, search, selected, playing, onPlay, onStop, onSelect, onSpeaker } = props;
  const { segment, video, speaker, neighbours } = hit;
  const [contextShown, setContextShown] = useState(false);
  const item = useRef<HTMLLIElement>(null);
  const href = hitHref(hit, search);
  const before = neighbours.filter(({ segment_index }) => segment_index < segment.segment_index);
  const after = neighbours.filter(({ segment_index }) => segment_index > segment.segment_index);

  useEffect(() => {
    if (selected) item.current?.scrollIntoView({ block: 'nearest' });
  }, [selected]);

  return (
    <li ref={item} className="hit" aria-current={selected || undefined}>
      <button
        type="button"
        className="hit-poster"
        onClick={onPlay}
        aria-label={`Play the passage at ${formatOffset(segment.start_ms)} of ${video.title}`}
      >
        <Poster videoId={segment.video_id} />
        <span className="hit-play">
          <Icon name="play" size={18} />
        </span>
        <span className="hit-time number">{formatOffset(segment.start_ms)}</span>
      </button>
      <div className="hit-body">
        <h3 className="hit-title">
          <Link href={href} onFocus={onSelect}>
            {highlightOf(hit, 'title')}
          </Link>
        </h3>
        <p className="hit-meta muted">
          {speaker && (
            <button
              type="button"
              className="hit-speaker"
              title="Only what this speaker says in this recording"
              disabled={search.speaker === speaker.speaker_id}
              onClick={() => onSpeaker(speaker.speaker_id)}
            >
              <Icon name="person" size={14} />
              {speaker.name ?? 'Unknown speaker'}
            </button>
          )}
          {video.published_at && <span title="Published">{formatDate(video.published_at)}</span>}
          <WhyFound hit={hit} />
        </p>
        <blockquote className="hit-text" lang={segment.language}>
          {contextShown && before.map(({ id, text }) => <Aside key={id} text={text} />)}
          <p>{highlightOf(hit, 'text')}</p>
          {contextShown && after.map(({ id, text }) => <Aside key={id} text={text} />)}
        </blockquote>
        {playing && <PassagePlayer segment={segment} onClose={onStop} />}
        <div className="hit-actions">
          <Button look="quiet" icon="play" onClick={onPlay}>
            Play
          </Button>
          <Button look="quiet" icon="quote" onClick={() => void copy(quoteHit(hit), 'Quote')}>
            Copy quote
          </Button>
          {neighbours.length > 0 && (
            <Button
              look="quiet"
              icon="lines"
              aria-expanded={contextShown}
              onClick={() => setContextShown(!contextShown)}
            >
              {contextShown ? 'Less' : 'Context'}
            </Button>
          )}
          <Link href={href} className="button button-quiet">
            <Icon name="open" size={16} />
            Open
          </Link>
        </div>
      </div>
    </li>
  );
}

function Aside({ text }: { text: string }) {
  return <p className="hit-context">{text}</p>;
}

/** Which leg found it, and as its how manieth. */
function WhyFound({ hit: { score } }: { hit: SearchHit }) {
  const found = [
    score.lexical_rank !== null && `words: no. ${score.lexical_rank}`,
    score.vector_rank !== null && `meaning: no. ${score.vector_rank}`,
  ].filter((part) => part !== false);
  if (found.length === 0) return null;
  const label =
    score.lexical_rank === null
      ? 'by meaning'
      : score.vector_rank === null
        ? 'by words'
        : 'by words and meaning';
  return <span title={`Rank in each leg: ${found.join(', ')}`}>found {label}</span>;
}
