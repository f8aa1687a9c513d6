import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import {
  cleanup,
  configure,
  fireEvent,
  render,
  screen,
  waitFor,
  within,
} from '@testing-library/react';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Toasts } from '../src/components/toasts';
import { appearanceHref, describeHow } from '../src/routes/people/appearances';
import { doubtfulOf, surestOf } from '../src/routes/people/compare';
import { describeErasure, Proof } from '../src/routes/people/erase_dialog';
import { describeEvent } from '../src/routes/people/history';
import PersonPage from '../src/routes/people/person_page';
import { fillMonths, formatMonth } from '../src/routes/people/talk_by_month';
import { parseSearchState, toParameters } from '../src/routes/search/search_state';
import type { Appearance, IdentityEvent, Person } from '../src/services/people';
import { personName } from '../src/services/people';

// A machine that builds beside it is slow, not wrong.
configure({ asyncUtilTimeout: 10_000 });
vi.setConfig({ testTimeout: 20_000 });

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

const PERSON: Person = {
  person_id: '0192f0c1-0000-7000-8000-00000000abcd',
  name: 'Ada',
  state: 'named',
  consent: 'unknown',
  videos_count: 2,
  speakers_count: 2,
  voiceprints_count: 3,
  speech_ms: 90_000,
  first_seen_at: '2026-09-01T00:00:00Z',
  last_seen_at: '2026-11-01T00:00:00Z',
  revision: 1,
  created_at: '2026-09-01T00:00:00Z',
  updated_at: '2026-09-01T00:00:00Z',
};

const appearance = (id: string, patch: Partial<Appearance> = {}): Appearance => ({
  video_id: `v${id}`,
  title: `Title ${id}`,
  published_at: null,
  speaker_id: id,
  label: 'Speaker 1',
  speech_ms: 1000,
  how: 'match',
  score: 0.7,
  evidence: [{ video_id: `v${id}`, start_ms: 61_500, end_ms: 64_000 }],
  ...patch,
});

describe('what voices are compared', () => {
  const said = appearance('said', { how: 'person', score: null });
  const near = appearance('near', { speech_ms: 9000, score: 0.9 });
  const far = appearance('far', { score: 0.52 });
  test('the one a person named is the measure, the least alike is in doubt', () => {
    expect(surestOf([near, said, far])).toBe(said);
    expect(doubtfulOf([near, said, far], said)).toBe(far);
  });
  test('without one, the longest', () => expect(surestOf([far, near])).toBe(near));
  test('what cannot be heard is not compared', () => {
    const silent = appearance('silent', { how: 'person', evidence: [] });
    expect(surestOf([silent])).toBeUndefined();
    expect(doubtfulOf([silent, said], said)).toBeUndefined();
  });
  test('how it is known', () => {
    expect(describeHow(said)).toBe('said by a person');
    expect(describeHow(far)).toBe('matched by voice, 0.52');
  });
  test('opens at the passage', () =>
    expect(appearanceHref(far)).toBe('/videos/vfar?t=61&tab=people&speaker=far'));
});

describe('talk time by month', () => {
  const month = (name: string, speech_ms: number) => ({ month: name, speech_ms, videos_count: 1 });
  test('silent months are between, the oldest first', () => {
    const filled = fillMonths([month('2027-01', 5), month('2026-11', 3)]);
    expect(filled.map(({ month: name, speech_ms }) => [name, speech_ms])).toEqual([
      ['2026-11', 3],
      ['2026-12', 0],
      ['2027-01', 5],
    ]);
  });
  test('years of silence are not drawn', () =>
    expect(fillMonths([month('1990-01', 1), month('2026-01', 1)])).toHaveLength(2));
  test('its name', () => expect(formatMonth('2026-11')).toBe('Nov 2026'));
});

describe('history', () => {
  const event = (kind: IdentityEvent['kind'], patch: Partial<IdentityEvent> = {}) =>
    describeEvent(
      {
        kind,
        person_id: PERSON.person_id,
        other_person_id: null,
        speaker_id: 'a',
        actor: 'somebody',
        evidence: {},
        ...patch,
      },
      PERSON.person_id,
      [appearance('a')],
    );
  test.each([
    [event('assign'), 'Speaker 1 of “Title a” was said to be this person'],
    [
      event('assign', { actor: 'matching', evidence: { score: 0.713 } }),
      'Speaker 1 of “Title a” was recognised (likeness 0.71)',
    ],
    [event('assign', { person_id: 'other' }), 'Speaker 1 of “Title a” went to somebody else'],
    [event('reject', { speaker_id: 'z' }), 'A voice was said not to be this person'],
    [event('rename', { evidence: { from: 'A', to: 'Ada' } }), 'Renamed from “A” to “Ada”'],
    [event('rename'), 'Renamed'],
    [event('split', { evidence: { speakers: 2 } }), '2 voices were split out'],
    [event('split'), 'Some voices were split out'],
    [event('undo', { evidence: { kind: 'merge' } }), 'A merge was undone'],
    [event('merge', { person_id: 'other' }), 'Merged into somebody else'],
    [event('consent', { evidence: { to: 'denied' } }), 'Recognition by voice was set to “denied”'],
  ])('%s', (text, wanted) => expect(text).toBe(wanted));
});

test('an unknown voice has a name that stays', () => {
  expect(personName(PERSON)).toBe('Ada');
  expect(personName({ ...PERSON, name: null })).toBe('Unknown voice abcd');
});

test('a speaker in the address narrows the search; anything else does not', () => {
  const of = (query: string) => toParameters(parseSearchState(new URLSearchParams(query)));
  expect(of(`q=a&speaker=${PERSON.person_id}`).speaker_id).toBe(PERSON.person_id);
  expect(of('q=a&speaker=Ada')).not.toHaveProperty('speaker_id');
});

describe('erasing', () => {
  const proof = {
    person_id: PERSON.person_id,
    erased_at: '2026-11-25T09:00:00Z',
    complete: true,
    places: [{ place: 'voiceprints', what: 'sealed voices', found: 3, removed: 3, left: 0 }],
    video_ids: ['v'],
  };
  test('says what is lost', () => {
    expect(describeErasure(PERSON)).toMatch(/3 voiceprints .* 2 recordings .* cannot be undone/);
  });
  test('the proof says where it looked', () => {
    render(<Proof name="Ada" proof={proof} />);
    const row = within(screen.getByRole('table', { name: 'Proof of the erasure' })).getByText(
      'sealed voices',
    );
    expect(row.closest('tr')?.textContent).toMatch(/voiceprints.*3 found.*3 removed.*0 left/);
    expect(screen.getByText('A second look found nothing anywhere.')).toBeTruthy();
  });
  test('an erasure that left something is not called complete', () => {
    render(<Proof name="Ada" proof={{ ...proof, complete: false }} />);
    expect(screen.getByText(/still found something/)).toBeTruthy();
    expect(screen.queryByText('A second look found nothing anywhere.')).toBeNull();
  });
});

describe('the profile', () => {
  const asked: string[] = [];
  let permissions: string[];
  beforeEach(() => {
    asked.length = 0;
    permissions = ['write:people'];
    vi.stubGlobal('fetch', async (url: string, init: RequestInit) => {
      asked.push(`${init.method} ${url} ${init.body ?? ''}`.trim());
      if (init.method === 'PATCH') {
        const error = { code: 'conflict', message: 'that name is taken', correlation_id: 'c' };
        return new Response(JSON.stringify({ error }), { status: 409 });
      }
      return new Response(JSON.stringify(answer(url, init.method ?? 'GET')));
    });
  });
  const answer = (url: string, method: string): unknown => {
    if (url.endsWith('/session')) {
      return { role: 'editor', permissions, csrf_token: 'c', tenant: { id: 't', name: 't' } };
    }
    if (url.includes('/events?')) return { items: [], page: { total: 0 } };
    if (method === 'GET') {
      return {
        person: PERSON,
        appearances: [appearance('a', { how: 'person' }), appearance('b')],
        talk_by_month: [],
        speaks_with: [],
      };
    }
    return { event_ids: ['e1', 'e2'], person: PERSON, video_ids: [] };
  };
  const show = () =>
    render(
      <QueryClientProvider client={new QueryClient()}>
        <PersonPage personId={PERSON.person_id} />
        <Toasts />
      </QueryClientProvider>,
    );
  test('a rejected voice can be taken back from its message, the last event first', async () => {
    show();
    fireEvent.click(await screen.findByRole('button', { name: 'Somebody else' }));
    fireEvent.click(await screen.findByRole('button', { name: 'Undo' }));
    await screen.findByText('Undone');
    expect(asked.filter((line) => line.startsWith('POST'))).toEqual([
      `POST /api/v1/speakers/b/reject {"person_id":"${PERSON.person_id}"}`,
      'POST /api/v1/identity-events/e2/undo',
      'POST /api/v1/identity-events/e1/undo',
    ]);
  });
  test('a refusal is said in its dialog, once, until the entry changes', async () => {
    show();
    fireEvent.click(await screen.findByRole('button', { name: 'Rename' }));
    const dialog = within(screen.getByRole('dialog'));
    fireEvent.change(dialog.getByLabelText('Name'), { target: { value: 'Bea' } });
    fireEvent.click(dialog.getByRole('button', { name: 'Rename' }));
    await dialog.findByText('That name is taken.');
    expect(screen.getAllByText(/that name is taken/i)).toHaveLength(1);
    fireEvent.change(dialog.getByLabelText('Name'), { target: { value: 'Cora' } });
    await waitFor(() => expect(screen.queryByText('That name is taken.')).toBeNull());
  });
  test('who may not change is offered nothing', async () => {
    permissions = ['read:transcripts'];
    show();
    await screen.findByRole('heading', { name: 'Ada' });
    await screen.findByText('Nothing was done yet.');
    expect(screen.queryByRole('button', { name: 'Rename' })).toBeNull();
    expect(screen.queryByRole('button', { name: 'Somebody else' })).toBeNull();
  });
});
