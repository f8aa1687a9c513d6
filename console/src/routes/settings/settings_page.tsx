import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import '../../styles/settings.css';
import { Button } from '../../components/button';
import { Segmented } from '../../components/segmented';
import { setTheme, theme } from '../../components/theme';
import { Time } from '../../components/time';
import { tellError } from '../../components/toasts';
import { useMay } from '../../components/use_may';
import { changeSession, sessionQuery, signOut } from '../../services/session';
import { useStore } from '../../services/store';
import { Keys } from './keys';

export default function SettingsPage() {
  const mayManage = useMay('read:keys');
  useEffect(() => {
    document.title = 'Settings · Narralytica';
  }, []);
  return (
    <div className="page settings">
      <h1>Settings</h1>
      <Account />
      <Appearance />
      {mayManage && <Keys />}
    </div>
  );
}

function Account() {
  const client = useQueryClient();
  const { data: session } = useQuery(sessionQuery);
  const leave = useMutation({
    mutationFn: signOut,
    onSuccess: () => changeSession(client, null),
    onError: tellError,
  });
  if (!session) return null;
  return (
    <section className="panel" aria-labelledby="account">
      <h2 id="account">Account</h2>
      <div className="panel-row">
        <p>
          <strong>{session.user?.name ?? 'Signed in with a key'}</strong>
          <span className="muted">
            {session.role} of {session.tenant.name}
            {session.expires_at && (
              <>
                {' '}
                · the session ends <Time value={session.expires_at} />
              </>
            )}
          </span>
        </p>
        <Button onClick={() => leave.mutate()} disabled={leave.isPending}>
          Sign out
        </Button>
      </div>
    </section>
  );
}

function Appearance() {
  return (
    <section className="panel" aria-labelledby="appearance">
      <h2 id="appearance">Appearance</h2>
      <div className="panel-row">
        <p>
          <strong>Theme</strong>
          <span className="muted">Kept in this browser.</span>
        </p>
        <Segmented
          label="Theme"
          value={useStore(theme)}
          choices={[
            { value: 'system', label: 'System', icon: 'system' },
            { value: 'light', label: 'Light', icon: 'sun' },
            { value: 'dark', label: 'Dark', icon: 'moon' },
          ]}
          onChange={setTheme}
        />
      </div>
    </section>
  );
}
