import { memo, useMemo } from 'react';
import { VoiceMark } from '../../components/voice_mark';
import { formatDuration, formatOffset } from '../../format';
import type { TranscriptSegment } from '../../services/transcripts';
import { type Player, usePlayer } from './player';
import type { VoiceActions } from './use_voice_actions';
import { VoiceMenu } from './voice_menu';
import type { Voice } from './voices';
import { cutAtWords, type Match, wordAt } from './words';

interface TranscriptRowProps {
  segment: TranscriptSegment;
  active: boolean;
  hit: boolean; // found by the search that led here
  matches: readonly Match[] | undefined; // found within
  current: Match | undefined;
  player: Player;
  speaker: BlockHead | null; // who speaks, where somebody begins to
  voiceActions: VoiceActions;
}

/** The voice is null when the speakers were told apart and this one could not be. */
export interface BlockHead {
  voice: Voice | null;
}

function markOf(props: TranscriptRowProps, from: number, to: number): string {
  const touches = (match: Match) => match.from < to && match.to > from;
  if (props.current && touches(props.current)) return 'word found found-current';
  return props.matches?.some(touches) ? 'word found' : 'word';
}

/** One segment. Times are in `data-ms`: the transcript listens for clicks and selections. */
export const TranscriptRow = memo(function TranscriptRow(props: TranscriptRowProps) {
  const { segment, active, hit, player, speaker } = props;
  const pieces = useMemo(() => cutAtWords(segment), [segment]);
  const spoken = usePlayer(player, (p) => (active ? wordAt(segment.words, p.timeMs) : -1));
  const time = formatOffset(segment.start_ms);
  return (
    <>
      {speaker && <Head {...speaker} actions={props.voiceActions} />}
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
          <Overlap ms={segment.overlap_ms ?? 0} />
        </p>
      </div>
    </>
  );
});

function Head({ voice, actions }: BlockHead & { actions: VoiceActions }) {
  if (!voice) return <p className="block-head muted">Unknown speaker</p>;
  return (
    <div className="block-head">
      <VoiceMark number={voice.number} colour={voice.colour} />
      <VoiceMenu voice={voice} actions={actions} />
    </div>
  );
}

/** Somebody else speaks at the same time: who says what is less certain there. */
function Overlap({ ms }: { ms: number }) {
  if (ms <= 0) return null;
  const note = `somebody else speaks too, for ${formatDuration(ms)}`;
  return (
    <span className="overlap" title={note}>
      <span aria-hidden="true">overlap</span>
      <span className="visually-hidden"> ({note})</span>
    </span>
  );
}
