// Short messages that go away by themselves, read out by screen readers.
import { useState } from 'react';
import { ApiError } from '../services/http';
import { createStore, useStore } from '../services/store';
import { Icon } from './icon';
import { sentence } from './list_state';

interface Toast {
  id: number;
  text: string;
  bad: boolean;
  action?: ToastAction | undefined;
}

interface ToastAction {
  label: string;
  run: () => void;
}

const SHOWN_MS = 4_000;
const LONG_SHOWN_MS = 10_000; // there is more to read, or something to do
const toasts = createStore<readonly Toast[]>([]);
let nextId = 1;

const away = (id: number) => toasts.set(toasts.get().filter((toast) => toast.id !== id));

function show(toast: Omit<Toast, 'id'>): void {
  const id = nextId++;
  toasts.set([...toasts.get().slice(-2), { ...toast, id }]);
  setTimeout(() => away(id), toast.bad || toast.action ? LONG_SHOWN_MS : SHOWN_MS);
}

export const tell = (text: string) => show({ text, bad: false });

/** What was done, with the way to take it back. */
export const tellUndo = (text: string, undo: () => void) =>
  show({ text, bad: false, action: { label: 'Undo', run: undo } });

export function tellError(error: unknown): void {
  const text = sentence(error instanceof Error ? error.message : 'something went wrong');
  const hint = error instanceof ApiError && error.hint ? ` ${sentence(error.hint)}` : '';
  show({ text: text + hint, bad: true });
}

export function Toasts() {
  return (
    <div className="toasts" role="status" aria-live="polite">
      {useStore(toasts).map((toast) => (
        <ToastItem key={toast.id} toast={toast} />
      ))}
    </div>
  );
}

function ToastItem({ toast: { id, text, bad, action } }: { toast: Toast }) {
  const [used, setUsed] = useState(false);
  return (
    <p className={bad ? 'toast toast-bad' : 'toast'}>
      <Icon name={bad ? 'alert' : 'check'} size={16} />
      {text}
      {action && (
        <button
          type="button"
          className="toast-action"
          disabled={used}
          onClick={() => {
            setUsed(true);
            action.run();
            away(id);
          }}
        >
          {action.label}
        </button>
      )}
    </p>
  );
}
