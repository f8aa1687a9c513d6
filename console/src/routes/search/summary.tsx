import { Icon } from '../../components/icon';
import { formatDuration } from '../../format';
import type { SearchReply } from '../../services/search';
import {
  describeCounts,
  describeDegradation,
  describeFreshness,
  describeLegs,
} from './describe_reply';

export function Summary({ reply }: { reply: SearchReply }) {
  const degradation = describeDegradation(reply);
  return (
    <>
      <p className="summary" role="status">
        <strong>{describeCounts(reply)}</strong>
        <span>{formatDuration(reply.took_ms)}</span>
        <span>
          {describeLegs(reply.legs).map(({ name, sign, title }) => (
            <span key={name} title={title} className={sign === '✓' ? 'leg' : 'leg leg-down'}>
              {name} <span aria-hidden="true">{sign}</span>
              <span className="visually-hidden">{sign === '✓' ? 'ran' : 'did not run'}</span>
            </span>
          ))}
        </span>
        <span title={`Index ${reply.index.generation ?? 'none'}, change ${reply.index.as_of_seq}`}>
          {describeFreshness(reply)}
        </span>
      </p>
      {degradation && (
        <p className="bar bar-warn" role="alert">
          <Icon name="alert" size={16} />
          {degradation}
        </p>
      )}
      {reply.corrections.map(({ from, to }) => (
        <p key={from} className="correction">
          No recording has “{from}”; searched for {to.map((word) => `“${word}”`).join(', ')}.
        </p>
      ))}
    </>
  );
}
