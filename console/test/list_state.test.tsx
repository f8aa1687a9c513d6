import { QueryClient, QueryClientProvider, useQuery } from '@tanstack/react-query';
import { cleanup, fireEvent, render, screen } from '@testing-library/react';
import { afterEach, expect, test, vi } from 'vitest';
import { ListState } from '../src/components/list_state';
import { useKeys } from '../src/components/use_keys';
import { ApiError } from '../src/services/http';

afterEach(cleanup);

function List({ read }: { read: () => Promise<{ items: string[] }> }) {
  const query = useQuery({ queryKey: ['list'], queryFn: read, retry: false });
  return (
    <ListState query={query} empty={<p>add one</p>}>
      {({ items }) => <p>{items.join()}</p>}
    </ListState>
  );
}

function show(read: () => Promise<{ items: string[] }>) {
  render(
    <QueryClientProvider client={new QueryClient()}>
      <List read={read} />
    </QueryClientProvider>,
  );
}

test('loading, then what there is', async () => {
  show(async () => ({ items: ['a', 'b'] }));
  expect(screen.getByRole('status', { name: 'Loading' })).toBeTruthy();
  expect(await screen.findByText('a,b')).toBeTruthy();
});

test('empty says what to do next', async () => {
  show(async () => ({ items: [] }));
  expect(await screen.findByText('add one')).toBeTruthy();
});

test('an error says what happened, what to quote, and tries again', async () => {
  const read = vi
    .fn<() => Promise<{ items: string[] }>>()
    .mockRejectedValueOnce(new ApiError(500, 'internal_error', 'it broke', null, 'c-17'))
    .mockResolvedValue({ items: ['a'] });
  show(read);
  expect(await screen.findByText('It broke.')).toBeTruthy();
  expect(screen.getByText('c-17')).toBeTruthy();
  fireEvent.click(screen.getByRole('button', { name: 'Try again' }));
  expect(await screen.findByText('a')).toBeTruthy();
});

test('forbidden is not an error to try again', async () => {
  show(async () => {
    throw new ApiError(403, 'forbidden', 'the role viewer may not read jobs');
  });
  expect(await screen.findByText('You may not see this')).toBeTruthy();
  expect(screen.queryByRole('button')).toBeNull();
});

test('what the caller got wrong offers no help line', async () => {
  show(async () => {
    throw new ApiError(400, 'invalid_input', 'the query ends after AND', 'go on', 'c-18');
  });
  expect(await screen.findByText('The query ends after AND.')).toBeTruthy();
  expect(screen.getByText('Go on.')).toBeTruthy();
  expect(screen.queryByText('c-18')).toBeNull();
});

function Keys({ onJ }: { onJ: () => void }) {
  useKeys({ j: onJ, ' ': onJ });
  return (
    <>
      <input aria-label="box" />
      <button type="button">act</button>
    </>
  );
}

test('keys act on the page, not on what is typed or pressed', () => {
  const onJ = vi.fn();
  render(<Keys onJ={onJ} />);
  fireEvent.keyDown(screen.getByLabelText('box'), { key: 'j' });
  fireEvent.keyDown(screen.getByText('act'), { key: ' ' });
  fireEvent.keyDown(document.body, { key: 'j', ctrlKey: true });
  expect(onJ).not.toHaveBeenCalled();
  fireEvent.keyDown(document.body, { key: 'j' });
  fireEvent.keyDown(screen.getByText('act'), { key: 'j' });
  expect(onJ).toHaveBeenCalledTimes(2);
});
