import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { Button } from '../../components/button';
import { copy } from '../../components/clipboard';
import { Dialog } from '../../components/dialog';
import { sentence } from '../../components/list_state';
import { type CreatedKey, createKey } from '../../services/keys';
import { ROLES, type Role, sessionQuery } from '../../services/session';

const ROLE_HINTS: Readonly<Record<Role, string>> = {
  viewer: 'search, watch and read',
  editor: 'also add and delete recordings, follow feeds',
  operator: 'also retry and cancel jobs',
  admin: 'everything, keys included',
};

export function CreateKeyDialog({ onClose }: { onClose: () => void }) {
  const client = useQueryClient();
  const create = useMutation({
    mutationFn: createKey,
    onSuccess: () => client.invalidateQueries({ queryKey: ['keys'] }),
  });
  if (create.data) return <CreatedKeyDialog created={create.data} onClose={onClose} />;
  return (
    <Dialog open onClose={onClose} title="Create an API key">
      <KeyForm
        busy={create.isPending}
        error={create.isError ? sentence(create.error.message) : null}
        onSubmit={(name, role) => create.mutate({ name, role })}
        onCancel={onClose}
      />
    </Dialog>
  );
}

interface KeyFormProps {
  busy: boolean;
  error: string | null;
  onSubmit: (name: string, role: Role) => void;
  onCancel: () => void;
}

function KeyForm({ busy, error, onSubmit, onCancel }: KeyFormProps) {
  const { data: session } = useQuery(sessionQuery);
  const [name, setName] = useState('');
  const [role, setRole] = useState<Role>('viewer');
  // A key cannot do more than who makes it.
  const roles = ROLES.slice(0, ROLES.indexOf(session?.role ?? 'viewer') + 1);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onSubmit(name.trim(), role);
  };
  return (
    <form onSubmit={submit} className="form">
      <label className="field">
        <span>Name</span>
        <input
          value={name}
          required
          maxLength={100}
          pattern=".*\S.*"
          placeholder="What will use it?"
          onChange={(event) => setName(event.target.value)}
        />
      </label>
      <fieldset className="field">
        <legend>Role</legend>
        {roles.map((value) => (
          <label key={value} className="radio">
            <input
              type="radio"
              name="role"
              checked={role === value}
              onChange={() => setRole(value)}
            />
            <span>
              {value} <span className="muted">{ROLE_HINTS[value]}</span>
            </span>
          </label>
        ))}
      </fieldset>
      {error && (
        <p className="bar bar-bad" role="alert">
          {error}
        </p>
      )}
      <div className="dialog-actions">
        <Button onClick={onCancel}>Cancel</Button>
        <Button look="primary" type="submit" disabled={busy || !name.trim()}>
          Create
        </Button>
      </div>
    </form>
  );
}

const ONCE =
  'It is shown this once. Keep it where secrets are kept; if it gets lost, revoke it and make ' +
  'another.';

function CreatedKeyDialog({ created, onClose }: { created: CreatedKey; onClose: () => void }) {
  return (
    <Dialog open onClose={onClose} title={`The key “${created.name}”`} description={ONCE}>
      <div className="secret">
        <code>{created.key}</code>
        <Button look="primary" onClick={() => void copy(created.key, 'Key')}>
          Copy
        </Button>
      </div>
      <div className="dialog-actions">
        <Button onClick={onClose}>I have kept it</Button>
      </div>
    </Dialog>
  );
}
