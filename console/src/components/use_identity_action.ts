import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type IdentityReply, undoEvents } from '../services/people';
import { refreshNames } from '../services/speakers';
import { tell, tellError, tellUndo } from './toasts';

interface IdentityAction<T> {
  act: (value: T) => Promise<IdentityReply>;
  said: (value: T) => string; // "Speaker 2 is Ada"
  before?: (value: T) => void; // shows it at once
  after?: (reply: IdentityReply, value: T) => void;
  inPlace?: boolean; // an error is shown where it was asked for, not as a message
}

/** A change of who somebody is: told with the way to undo it; whatever shows names reads again. */
export function useIdentityAction<T>(action: IdentityAction<T>) {
  const { act, said, before, after, inPlace = false } = action;
  const client = useQueryClient();
  const undo = useUndo();
  return useMutation({
    mutationFn: act,
    onMutate: (value: T) => before?.(value),
    onSuccess: (reply, value) => {
      if (reply.event_ids.length === 0) tell('That was so already');
      else tellUndo(said(value), () => undo.mutate(reply.event_ids));
      after?.(reply, value);
    },
    onError: (error) => inPlace || tellError(error),
    onSettled: () => refreshNames(client),
  });
}

/** Takes events back. */
export function useUndo() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: undoEvents,
    onSuccess: () => tell('Undone'),
    onError: tellError,
    onSettled: () => refreshNames(client),
  });
}
