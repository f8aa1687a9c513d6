import { ApiError } from '../services/http';
import { Icon } from './icon';
import { sentence } from './list_state';

/** Why what was entered was refused, beside it, until it is changed; `about` names the entry. */
export function FieldError({ error, about }: { error: unknown; about?: string | undefined }) {
  if (!error) return null;
  return (
    <p className="bar bar-bad field-error" role="alert">
      <Icon name="alert" size={16} />
      <span>
        {about && <span className="field-error-about">{about}</span>}
        {error instanceof Error ? sentence(error.message) : 'Something went wrong.'}
        {error instanceof ApiError && error.hint && ` ${sentence(error.hint)}`}
      </span>
    </p>
  );
}
