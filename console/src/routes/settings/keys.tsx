import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { Button } from '../../components/button';
import { ConfirmDialog } from '../../components/dialog';
import { ListState, Notice } from '../../components/list_state';
import { Time } from '../../components/time';
import { tell, tellError } from '../../components/toasts';
import { type Key, keysQuery, revokeKey } from '../../services/keys';
import { CreateKeyDialog } from './create_key_dialog';

export function Keys() {
  const keys = useQuery(keysQuery);
  const [creating, setCreating] = useState(false);
  const [revoking, setRevoking] = useState<Key | null>(null);
  const client = useQueryClient();
  const revoke = useMutation({
    mutationFn: revokeKey,
    onSuccess: () => {
      setRevoking(null);
      tell('Key revoked');
      return client.invalidateQueries({ queryKey: ['keys'] });
    },
    onError: tellError,
  });
  return (
    <section className="panel" aria-labelledby="keys">
      <div className="panel-row">
        <h2 id="keys">API keys</h2>
        <Button look="primary" icon="key" onClick={() => setCreating(true)}>
          Create a key
        </Button>
      </div>
      <ListState
        query={keys}
        rows={3}
        empty={
          <Notice icon="key" title="No keys yet">
            A program signs in with a key: <code>Authorization: Bearer …</code>
          </Notice>
        }
      >
        {({ items }) => (
          <div className="table-frame">
            <table className="table">
              <thead>
                <tr>
                  <th scope="col">Name</th>
                  <th scope="col">Role</th>
                  <th scope="col">Created</th>
                  <th scope="col">Last used</th>
                  <th scope="col">
                    <span className="visually-hidden">Actions</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                {items.map((key) => (
                  <KeyRow key={key.id} value={key} onRevoke={() => setRevoking(key)} />
                ))}
              </tbody>
            </table>
          </div>
        )}
      </ListState>
      {creating && <CreateKeyDialog onClose={() => setCreating(false)} />}
      <ConfirmDialog
        open={revoking !== null}
        onClose={() => setRevoking(null)}
        onConfirm={() => revoking && revoke.mutate(revoking.id)}
        busy={revoke.isPending}
        title={`Revoke “${revoking?.name ?? ''}”?`}
        consequence="Programs and sessions that use it stop at once. This cannot be undone."
        action="Revoke it"
      />
    </section>
  );
}

function KeyRow({ value, onRevoke }: { value: Key; onRevoke: () => void }) {
  return (
    <tr className={value.revoked_at ? 'key-revoked' : undefined}>
      <td className="table-wide">
        <strong className="key-name">{value.name}</strong>
        <code className="muted">{value.prefix}…</code>
      </td>
      <td>
        {value.role}
        {value.scopes.length > 0 && (
          <span className="table-note muted">{value.scopes.join(', ')}</span>
        )}
      </td>
      <td className="muted table-nowrap">
        <span className="table-unit">created </span>
        <Time value={value.created_at} />
      </td>
      <td className="muted table-nowrap">
        <span className="table-unit">used </span>
        {value.last_used_at ? <Time value={value.last_used_at} /> : 'never'}
      </td>
      <td className="table-number table-end">
        {value.revoked_at ? (
          <span className="muted">
            revoked <Time value={value.revoked_at} />
          </span>
        ) : (
          <Button look="quiet" onClick={onRevoke} aria-label={`Revoke ${value.name}`}>
            Revoke
          </Button>
        )}
      </td>
    </tr>
  );
}
