import { type QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { cleanup, fireEvent, render, screen } from '@testing-library/react';
import { afterEach, expect, test, vi } from 'vitest';
import { Sources } from '../src/routes/library/sources';
import { createQueryClient } from '../src/services/query_client';
import { type Session, sessionQuery } from '../src/services/session';
import { isPollDue, type Source } from '../src/services/sources';

afterEach(cleanup);

const source: Source = {
  id: '0192f0c1-1a2b-7c3d-8e4f-5a6b7c8d9e80',
  kind: 'feed',
  locator: 'https://podcast.example.org/feed.xml',
  title: 'Example Podcast',
  status: 'ok',
  poll_interval_s: 900,
  item_count: 20,
  last_polled_at: '2026-11-24T10:00:00Z',
  next_poll_at: '2126-11-24T10:15:00Z',
  error: null,
  created_at: '2026-11-01T08:00:00Z',
};
const list = (items: Source[]) => ({
  items,
  page: { limit: 100, offset: 0, total: items.length, next_cursor: null },
});
const refusal = (code: string, message: string, hint: string) => ({
  error: { code, message, details: { hint }, correlation_id: 'c1' },
});

/** The answers to each method, as the contract has them. */
function answer(answers: Record<string, [number, unknown]>) {
  return vi.spyOn(globalThis, 'fetch').mockImplementation(async (_, init) => {
    const [status, body] = answers[init?.method ?? 'GET'] ?? [500, null];
    return new Response(status === 204 ? null : JSON.stringify(body), { status });
  });
}

function show(permissions = ['read:sources', 'write:sources']) {
  const client: QueryClient = createQueryClient();
  client.setQueryData(sessionQuery.queryKey, { permissions } as Session);
  render(
    <QueryClientProvider client={client}>
      <Sources />
    </QueryClientProvider>,
  );
}

test('a server without feeds says so, and offers none', async () => {
  answer({ GET: [404, refusal('resource_not_found', 'there is nothing at this address', '')] });
  show();
  expect(await screen.findByText(/does not follow feeds/)).toBeTruthy();
  expect(screen.queryByLabelText('Feed or folder')).toBeNull();
});

test('nothing is followed yet', async () => {
  answer({ GET: [200, list([])] });
  show();
  expect(await screen.findByText('Nothing is followed yet')).toBeTruthy();
  expect(screen.getByLabelText('Feed or folder')).toBeTruthy();
});

test('an error and a refusal', async () => {
  answer({ GET: [500, refusal('internal_error', 'it broke', '')] });
  show();
  expect(await screen.findByText('It broke.')).toBeTruthy();
  cleanup();
  answer({ GET: [403, refusal('forbidden', 'this key may not read sources', '')] });
  show([]);
  expect(await screen.findByText('You may not see this')).toBeTruthy();
  expect(screen.queryByLabelText('Feed or folder')).toBeNull();
});

test('a feed with what is wrong with it, and a check that was asked for', async () => {
  const error = { ...refusal('transient', 'the feed did not answer', 'it is tried again').error };
  const due = { ...source, id: 'b', title: 'Due', next_poll_at: '2026-11-24T10:00:00Z' };
  answer({ GET: [200, list([{ ...source, status: 'failing', error } as Source, due])] });
  show();
  expect(await screen.findByText('Example Podcast')).toBeTruthy();
  expect(screen.getByText(/The feed did not answer/)).toBeTruthy();
  expect(screen.getByText('about to be checked')).toBeTruthy();
  expect([isPollDue(source), isPollDue(due)]).toEqual([false, true]);
});

test('who may only look is offered only that', async () => {
  answer({ GET: [200, list([source])] });
  show(['read:sources']);
  expect(await screen.findByText('Example Podcast')).toBeTruthy();
  expect(screen.queryByRole('button')).toBeNull();
  expect(screen.queryByLabelText('Feed or folder')).toBeNull();
});

test('a refused address is said beside it until it is changed', async () => {
  const fetched = answer({
    GET: [200, list([])],
    POST: [422, refusal('unsafe_url', 'this address is not on the public internet', 'use another')],
  });
  show();
  const box = await screen.findByLabelText('Feed or folder');
  fireEvent.change(box, { target: { value: 'podcast' } });
  expect(screen.getByText(/A feed begins with/)).toBeTruthy();
  fireEvent.change(box, { target: { value: 'http://127.0.0.1/feed' } });
  fireEvent.click(screen.getByRole('button', { name: 'Follow' }));
  const alert = await screen.findByRole('alert');
  expect(alert.textContent).toBe('This address is not on the public internet. Use another.');
  const sent = fetched.mock.calls.find(([, init]) => init?.method === 'POST')?.[1]?.body;
  expect(JSON.parse(String(sent))).toEqual({ kind: 'feed', url: 'http://127.0.0.1/feed' });
  fireEvent.change(box, { target: { value: '/srv/recordings' } });
  expect(screen.queryByRole('alert')).toBeNull();
});
