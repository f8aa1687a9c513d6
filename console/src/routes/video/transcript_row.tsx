import { memo, useMemo } from 'react';
import { formatOffset } from '../../format';
import type { TranscriptSegment } from '../../services/transcripts';
import { type Player, usePlayer } from './player';
import { cutAtWords, type Match, wordAt } from './words';

interface TranscriptRowProps {
  segment: TranscriptSegment;
  active: boolean;
  hit: boolean; // found by the search that led here
  matches: readonly Match[] | undefined; // found within
  current: Match | undefined;
  player: Player;
}

function markOf(props: TranscriptRowProps, from: number, to: number): string {
  const touches = (match: Match) => match.from < to && match.to > from;
  if (props.current && touches(props.current)) return 'word found found-current';
  return props.matches?.some(touches) ? 'word found' : 'word';
}

/** One segment. Times are in `data-ms`: the transcript listens for clicks and selections. */
export const TranscriptRow = memo(function TranscriptRow(props: TranscriptRowProps) {
  const { segment, active, hit, player } = props;
  const pieces = useMemo(() => cutAtWords(segment), [segment]);
  const spoken = usePlayer(player, (p) => (active ? wordAt(segment.words, p.timeMs) : -1));
  const time = formatOffset(segment.start_ms);
  return (
    <div
      className={hit ? 'segment segment-hit' : 'segment'}
      data-active={active || undefined}
      aria-current={active ? 'time' : undefined}
    >
      <button
        type="button"
        className="segment-time number"
        data-ms={segment.start_ms}
        aria-label={`Play from ${time}`}
      >
        {time}
      </button>
      <p className="segment-text" lang={segment.language} data-ms={segment.start_ms}>
        {pieces.map(({ text, word, from }) =>
          word < 0 ? (
            text
          ) : (
            <span
              key={from}
              className={markOf(props, from, from + text.length)}
              data-ms={segment.words[word]?.start_ms}
              data-spoken={word === spoken || undefined}
            >
              {text}
            </span>
          ),
        )}
      </p>
    </div>
  );
});
