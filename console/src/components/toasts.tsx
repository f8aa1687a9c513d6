// Short messages that go away by themselves, read out by screen readers.
import { ApiError } from '../services/http';
import { createStore, useStore } from '../services/store';
import { Icon } from './icon';
import { sentence } from './list_state';

interface Toast {
  id: number;
  text: string;
  bad: boolean;
}

const SHOWN_MS = 4_000;
const ERROR_SHOWN_MS = 10_000; // there is more to read, and something to do
const toasts = createStore<readonly Toast[]>([]);
let nextId = 1;

function show(text: string, bad: boolean): void {
  const id = nextId++;
  toasts.set([...toasts.get().slice(-2), { id, text, bad }]);
  const away = () => toasts.set(toasts.get().filter((toast) => toast.id !== id));
  setTimeout(away, bad ? ERROR_SHOWN_MS : SHOWN_MS);
}

export const tell = (text: string) => show(text, false);

export function tellError(error: unknown): void {
  const text = sentence(error instanceof Error ? error.message : 'something went wrong');
  const hint = error instanceof ApiError && error.hint ? ` ${sentence(error.hint)}` : '';
  show(text + hint, true);
}

export function Toasts() {
  return (
    <div className="toasts" role="status" aria-live="polite">
      {useStore(toasts).map(({ id, text, bad }) => (
        <p key={id} className={bad ? 'toast toast-bad' : 'toast'}>
          <Icon name={bad ? 'alert' : 'check'} size={16} />
          {text}
        </p>
      ))}
    </div>
  );
}
