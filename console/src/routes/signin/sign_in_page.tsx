import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useEffect, useRef, useState } from 'react';
import '../../styles/settings.css';
import { Button } from '../../components/button';
import { Icon } from '../../components/icon';
import { sentence } from '../../components/list_state';
import { Segmented } from '../../components/segmented';
import { ApiError } from '../../services/http';
import { type Credentials, changeSession, signIn } from '../../services/session';

type Way = 'key' | 'password';

/** A key behind the `#` of the address stays in the browser; it is used once and taken away. */
function takeKeyFromAddress(): string | null {
  const key = new URLSearchParams(location.hash.slice(1)).get('key');
  if (key) history.replaceState(null, '', location.pathname + location.search);
  return key;
}

export default function SignInPage() {
  const client = useQueryClient();
  const [way, setWay] = useState<Way>('key');
  const login = useMutation({
    mutationFn: signIn,
    onSuccess: (session) => changeSession(client, session),
  });
  const { mutate } = login;
  const tried = useRef(false);
  useEffect(() => {
    document.title = 'Sign in · Narralytica';
    if (tried.current) return;
    tried.current = true;
    const key = takeKeyFromAddress();
    if (key) mutate({ key });
  }, [mutate]);

  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const field = (name: string) => String(form.get(name) ?? '').trim();
    const credentials: Credentials =
      way === 'key'
        ? { key: field('key') }
        : { email: field('email'), password: String(form.get('password') ?? '') };
    mutate(credentials);
  };
  return (
    <main className="signin">
      <form className="signin-box" onSubmit={submit}>
        <img src="/favicon.svg" alt="" width={44} height={44} />
        <h1>Sign in to Narralytica</h1>
        <Segmented
          label="Sign in with"
          value={way}
          choices={[
            { value: 'key', label: 'API key' },
            { value: 'password', label: 'Password' },
          ]}
          onChange={(next) => {
            login.reset();
            setWay(next);
          }}
        />
        {way === 'key' ? (
          <Field key="key" name="key" label="API key" type="password" autoComplete="off" />
        ) : (
          <>
            <Field key="email" name="email" label="E-mail" type="email" autoComplete="username" />
            <Field
              key="password"
              name="password"
              label="Password"
              type="password"
              autoComplete="current-password"
            />
          </>
        )}
        {login.isError && <SignInError error={login.error} />}
        <Button look="primary" type="submit" disabled={login.isPending}>
          {login.isPending ? 'Signing in…' : 'Sign in'}
        </Button>
        <p className="muted signin-hint">
          No key yet? <code>narralytica key create --name me --role admin</code> makes one.
        </p>
      </form>
    </main>
  );
}

interface FieldProps {
  name: string;
  label: string;
  type: string;
  autoComplete: string;
}

function Field({ name, label, type, autoComplete }: FieldProps) {
  return (
    <label className="field">
      <span>{label}</span>
      <input name={name} type={type} autoComplete={autoComplete} required maxLength={1024} />
    </label>
  );
}

function SignInError({ error }: { error: unknown }) {
  const text =
    error instanceof ApiError && error.status === 401
      ? 'That did not open. Check for a missing character; a revoked or expired key does not work.'
      : error instanceof Error
        ? sentence(error.message)
        : 'Something went wrong.';
  return (
    <p className="bar bar-bad" role="alert">
      <Icon name="alert" size={16} />
      {text}
    </p>
  );
}
