import { Link } from 'wouter';
import { formatDuration, plural } from '../../format';
import { type Profile, personName } from '../../services/people';

/** Who else speaks in the same recordings. */
export function SpeaksWith({ others }: { others: Profile['speaks_with'] }) {
  return (
    <section aria-labelledby="with">
      <h2 id="with">Speaks with</h2>
      {others.length === 0 ? (
        <p className="muted">Nobody else who is known, or heard in several recordings.</p>
      ) : (
        <ul className="with">
          {others.map((other) => (
            <li key={other.person_id}>
              <Link href={`/people/${other.person_id}`}>{personName(other)}</Link>
              <span className="muted number" title="What the two say in these recordings">
                {plural(other.videos_count, 'recording')}, {formatDuration(other.shared_ms)}
              </span>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
