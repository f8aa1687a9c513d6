// Short messages that go away by themselves, read out by screen readers.
import { createStore, useStore } from '../services/store';
import { Icon } from './icon';

interface Toast {
  id: number;
  text: string;
  bad: boolean;
}

const SHOWN_MS = 4_000;
const toasts = createStore<readonly Toast[]>([]);
let nextId = 1;

function show(text: string, bad: boolean): void {
  const id = nextId++;
  toasts.set([...toasts.get().slice(-2), { id, text, bad }]);
  setTimeout(() => toasts.set(toasts.get().filter((toast) => toast.id !== id)), SHOWN_MS);
}

export const tell = (text: string) => show(text, false);

export function tellError(error: unknown): void {
  show(error instanceof Error ? error.message : 'something went wrong', true);
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
