import { useVirtualizer } from '@tanstack/react-virtual';
import { useCallback, useEffect, useMemo, useRef } from 'react';
import { Button } from '../../components/button';
import type { TranscriptSegment } from '../../services/transcripts';
import { type Player, usePlayer } from './player';
import { QuotePopup } from './quote_popup';
import { type BlockHead, TranscriptRow } from './transcript_row';
import { useFollow } from './use_follow';
import type { VoiceActions } from './use_voice_actions';
import type { Voices } from './voices';
import { indexAt, type Match } from './words';

// A first guess for rows that were never seen; they are measured once they are.
const ROW_PX_MIN = 44;
const HEAD_PX = 36;
const LINE_PX = 26;
const LINE_CHARACTERS = 60;

interface TranscriptProps {
  segments: readonly TranscriptSegment[];
  hits: ReadonlySet<string>; // segment ids
  matches: readonly Match[];
  current: Match | undefined; // the match to bring into view
  player: Player;
  title: string;
  videoId: string;
  voices: Voices;
  voiceActions: VoiceActions;
}

function groupBySegment(matches: readonly Match[]): Map<number, Match[]> {
  const groups = new Map<number, Match[]>();
  for (const match of matches) {
    const group = groups.get(match.segment);
    if (group) group.push(match);
    else groups.set(match.segment, [match]);
  }
  return groups;
}

/** Who begins to speak at each segment; null where the one before goes on. */
export function blockHeads(
  segments: readonly Pick<TranscriptSegment, 'speaker_id'>[],
  voices: Voices,
): (BlockHead | null)[] {
  if (voices.size === 0) return segments.map(() => null);
  return segments.map(({ speaker_id }, index) =>
    index > 0 && segments[index - 1]?.speaker_id === speaker_id
      ? null
      : { voice: voices.get(speaker_id ?? '') ?? null },
  );
}

const movesCalmly = () => matchMedia('(prefers-reduced-motion: reduce)').matches;

export function Transcript(props: TranscriptProps) {
  const { segments, hits, matches, current, player, title, videoId, voices } = props;
  const frame = useRef<HTMLDivElement>(null);
  const scroller = useRef<HTMLDivElement>(null);
  const active = usePlayer(player, (p) => indexAt(segments, p.timeMs));
  const started = usePlayer(player, (p) => p.playing || p.timeMs > 0);
  const { following, setFollowing } = useFollow(scroller);
  const heads = useMemo(() => blockHeads(segments, voices), [segments, voices]);
  const rows = useVirtualizer({
    count: segments.length,
    getScrollElement: () => scroller.current,
    estimateSize: (index) =>
      ROW_PX_MIN +
      (heads[index] ? HEAD_PX : 0) +
      LINE_PX * Math.floor((segments[index]?.text.length ?? 0) / LINE_CHARACTERS),
    overscan: 6,
  });
  const bySegment = useMemo(() => groupBySegment(matches), [matches]);

  // Near rows glide into the middle; far ones are jumped to.
  const show = useCallback(
    (index: number) => {
      const near = rows.getVirtualItems().some((row) => row.index === index);
      const behavior = near && !movesCalmly() ? 'smooth' : 'auto';
      rows.scrollToIndex(index, { align: 'center', behavior });
    },
    [rows],
  );
  useEffect(() => {
    if (following && active >= 0) show(active);
  }, [following, active, show]);
  useEffect(() => {
    if (!current) return;
    setFollowing(false);
    show(current.segment);
  }, [current, setFollowing, show]);

  // One listener for all words: a click seeks, unless it ended a selection.
  useEffect(() => {
    const element = scroller.current;
    if (!element) return;
    const onClick = (event: MouseEvent) => {
      if (getSelection()?.isCollapsed === false) return;
      const target = event.target instanceof Element ? event.target : null;
      const timed = target?.closest<HTMLElement>('.word, .segment-time');
      if (timed?.dataset.ms === undefined) return;
      player.seek(Number(timed.dataset.ms));
      setFollowing(true);
    };
    element.addEventListener('click', onClick);
    return () => element.removeEventListener('click', onClick);
  }, [player, setFollowing]);

  return (
    <div className="transcript" ref={frame}>
      <section
        className="transcript-scroll"
        ref={scroller}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by key
        tabIndex={0}
        aria-label="Transcript"
      >
        <div className="transcript-rows" style={{ height: rows.getTotalSize() }}>
          {rows.getVirtualItems().map(({ index, key, start }) => {
            const segment = segments[index];
            return (
              segment && (
                <div
                  key={key}
                  ref={rows.measureElement}
                  data-index={index}
                  className="transcript-row"
                  style={{ transform: `translateY(${start}px)` }}
                >
                  <TranscriptRow
                    segment={segment}
                    active={index === active}
                    hit={hits.has(segment.id)}
                    matches={bySegment.get(index)}
                    current={current?.segment === index ? current : undefined}
                    player={player}
                    speaker={heads[index] ?? null}
                    voiceActions={props.voiceActions}
                  />
                </div>
              )
            );
          })}
        </div>
      </section>
      {!following && started && (
        <Button className="follow-pill" icon="follow" onClick={() => setFollowing(true)}>
          Follow playback
        </Button>
      )}
      <QuotePopup container={frame} title={title} videoId={videoId} />
    </div>
  );
}
