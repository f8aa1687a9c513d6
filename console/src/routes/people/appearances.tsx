import { Link } from 'wouter';
import { Button } from '../../components/button';
import { Notice } from '../../components/list_state';
import { useIdentityAction } from '../../components/use_identity_action';
import { useMay } from '../../components/use_may';
import { useUrlState } from '../../components/use_url_state';
import { formatDate, formatDuration, plural } from '../../format';
import {
  type Appearance,
  assignSpeaker,
  MAY_CHANGE,
  type Person,
  personName,
  rejectSpeaker,
} from '../../services/people';

interface AppearancesProps {
  person: Person;
  appearances: readonly Appearance[];
}

/** The recording at the clearest passage. */
export function appearanceHref({ video_id, evidence, speaker_id }: Appearance): string {
  const second = Math.floor((evidence[0]?.start_ms ?? 0) / 1000);
  return `/videos/${video_id}?${new URLSearchParams({
    ...(second > 0 && { t: String(second) }),
    tab: 'people',
    speaker: speaker_id,
  })}`;
}

export function describeHow({ how, score }: Pick<Appearance, 'how' | 'score'>): string {
  if (how === 'person') return 'said by a person';
  return score === null ? 'matched by voice' : `matched by voice, ${score.toFixed(2)}`;
}

/** That voice is this person, or is not; both can be taken back. */
export function useVerdicts(person: Person) {
  const name = personName(person);
  const confirm = useIdentityAction({
    act: ({ speaker_id }: Appearance) => assignSpeaker(speaker_id, { person_id: person.person_id }),
    said: ({ label, title }) => `${label} of “${title}” is ${name}`,
  });
  const reject = useIdentityAction({
    act: ({ speaker_id }: Appearance) => rejectSpeaker(speaker_id, person.person_id),
    said: ({ label, title }) => `${label} of “${title}” is not ${name}`,
  });
  return { confirm, reject, busy: confirm.isPending || reject.isPending };
}

export function Appearances({ person, appearances }: AppearancesProps) {
  const left = person.speakers_count - appearances.length;
  return (
    <section aria-labelledby="appearances">
      <h2 id="appearances">Where they speak</h2>
      {appearances.length === 0 ? (
        <Notice icon="sound" title="Not heard anywhere yet">
          Open a recording and say which of its speakers this is.
        </Notice>
      ) : (
        <div className="table-frame">
          <table className="table">
            <thead>
              <tr>
                <th scope="col">Recording</th>
                <th scope="col" className="table-number">
                  Talk time
                </th>
                <th scope="col">How it is known</th>
                <th scope="col">
                  <span className="visually-hidden">Actions</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {appearances.map((appearance) => (
                <AppearanceRow
                  key={appearance.speaker_id}
                  person={person}
                  appearance={appearance}
                />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {left > 0 && (
        <p className="muted small">and {plural(left, 'older appearance')} not shown here</p>
      )}
    </section>
  );
}

function AppearanceRow({ person, appearance }: { person: Person; appearance: Appearance }) {
  const [, setUrl] = useUrlState();
  const { confirm, reject, busy } = useVerdicts(person);
  const mayChange = useMay(MAY_CHANGE);
  const { title, label, published_at, evidence } = appearance;
  const of = `${label} of ${title}`;
  return (
    <tr>
      <td className="table-wide">
        <Link href={appearanceHref(appearance)} className="row-link">
          {title}
        </Link>
        <span className="table-note muted">
          as {label}
          {published_at && `, ${formatDate(published_at)}`}
        </span>
      </td>
      <td className="table-number number">{formatDuration(appearance.speech_ms)}</td>
      <td className="table-nowrap">{describeHow(appearance)}</td>
      <td className="table-number table-end verdicts">
        {evidence.length > 0 && (
          <Button
            look="quiet"
            icon="ear"
            aria-label={`Compare ${of}`}
            onClick={() => setUrl({ compare: appearance.speaker_id }, { replace: true })}
          >
            Compare
          </Button>
        )}
        {mayChange && appearance.how === 'match' && (
          <Button
            look="quiet"
            icon="check"
            disabled={busy}
            aria-label={`Confirm ${of}`}
            onClick={() => confirm.mutate(appearance)}
          >
            Confirm
          </Button>
        )}
        {mayChange && (
          <Button
            look="quiet"
            icon="close"
            disabled={busy}
            aria-label={`Not them: ${of}`}
            onClick={() => reject.mutate(appearance)}
          >
            Not them
          </Button>
        )}
      </td>
    </tr>
  );
}
