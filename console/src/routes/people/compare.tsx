import { useEffect, useRef, useState } from 'react';
import { Button } from '../../components/button';
import { PassagePlayer } from '../../components/passage_player';
import { useMay } from '../../components/use_may';
import { useUrlState } from '../../components/use_url_state';
import { formatOffset } from '../../format';
import { type Appearance, type Clip, MAY_CHANGE, type Person } from '../../services/people';
import { describeHow, useVerdicts } from './appearances';

interface CompareProps {
  person: Person;
  appearances: readonly Appearance[];
}

/** The voice that is surest, to hold others against: said by a person, else the longest. */
export function surestOf(appearances: readonly Appearance[]): Appearance | undefined {
  const heard = appearances.filter(({ evidence }) => evidence.length > 0);
  return heard.toSorted(
    (a, b) => Number(b.how === 'person') - Number(a.how === 'person') || b.speech_ms - a.speech_ms,
  )[0];
}

/** What to hold against it first: the match with the least score. */
export function doubtfulOf(
  appearances: readonly Appearance[],
  surest: Appearance | undefined,
): Appearance | undefined {
  const others = appearances.filter((other) => other !== surest && other.evidence.length > 0);
  const doubt = ({ how, score }: Appearance) => (how === 'match' ? (score ?? -1) : 2);
  return others.toSorted((a, b) => doubt(a) - doubt(b))[0];
}

/** The evidence for an identity: two voices side by side, and the verdict of who listened. */
export function Compare({ person, appearances }: CompareProps) {
  const [parameters, setUrl] = useUrlState();
  const section = useRef<HTMLElement>(null);
  const [playing, setPlaying] = useState<string | null>(null);
  const mayChange = useMay(MAY_CHANGE);
  const { confirm, reject, busy } = useVerdicts(person);
  const surest = surestOf(appearances);
  const wanted = parameters.get('compare');
  const asked = appearances.find(({ speaker_id }) => speaker_id === wanted);
  const other = asked && asked !== surest ? asked : doubtfulOf(appearances, surest);
  useEffect(() => {
    if (wanted) section.current?.scrollIntoView({ block: 'nearest' });
  }, [wanted]);
  if (!surest) return null;
  const side = { playing, onPlay: setPlaying };
  return (
    <section ref={section} aria-labelledby="compare" className="compare">
      <h2 id="compare">Is it one voice?</h2>
      {!other && (
        <p className="muted">There is one voice only; a second one can be held against it.</p>
      )}
      <div className="compare-sides">
        <Side appearance={surest} {...side} />
        {other && (
          <Side
            appearance={other}
            {...side}
            choices={appearances.filter(
              (choice) => choice !== surest && choice.evidence.length > 0,
            )}
            onChoose={(speakerId) => setUrl({ compare: speakerId }, { replace: true })}
          />
        )}
      </div>
      {other && mayChange && (
        <div className="compare-verdict">
          <Button
            icon="check"
            look="primary"
            disabled={busy || other.how === 'person'}
            title={other.how === 'person' ? 'A person has said so already' : undefined}
            onClick={() => confirm.mutate(other)}
          >
            The same person
          </Button>
          <Button icon="close" disabled={busy} onClick={() => reject.mutate(other)}>
            Somebody else
          </Button>
        </div>
      )}
    </section>
  );
}

interface SideProps {
  appearance: Appearance;
  playing: string | null;
  onPlay: (clip: string | null) => void;
  choices?: readonly Appearance[];
  onChoose?: (speakerId: string) => void;
}

const clipKey = (speakerId: string, { start_ms }: Clip) => `${speakerId}@${start_ms}`;

function Side({ appearance, playing, onPlay, choices = [], onChoose }: SideProps) {
  const { title, label, evidence, speaker_id: id } = appearance;
  return (
    <div className="compare-side">
      {choices.length > 1 ? (
        <select
          className="select"
          aria-label="Voice to compare"
          value={id}
          onChange={(event) => onChoose?.(event.target.value)}
        >
          {choices.map((choice) => (
            <option key={choice.speaker_id} value={choice.speaker_id}>
              {choice.label} of {choice.title}
            </option>
          ))}
        </select>
      ) : (
        <strong>{title}</strong>
      )}
      <span className="muted small">
        {label}, {describeHow(appearance)}
      </span>
      <ul className="clips">
        {evidence.map((clip) => {
          const key = clipKey(id, clip);
          const span = `${formatOffset(clip.start_ms)}–${formatOffset(clip.end_ms)}`;
          return (
            <li key={key}>
              {playing === key ? (
                <PassagePlayer segment={clip} onClose={() => onPlay(null)} />
              ) : (
                <Button
                  look="quiet"
                  icon="play"
                  aria-label={`Play ${span}, ${label} of ${title}`}
                  onClick={() => onPlay(key)}
                >
                  <span className="number">{span}</span>
                </Button>
              )}
            </li>
          );
        })}
      </ul>
    </div>
  );
}
