import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { cleanup, configure, fireEvent, render, screen, waitFor } from '@testing-library/react';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { optionsFor, PersonPicker } from '../src/components/person_picker';
import { missingParts } from '../src/components/status';
import { Toasts, tellUndo } from '../src/components/toasts';
import { whyNoSpeakers } from '../src/routes/video/people_tab';
import { blockHeads } from '../src/routes/video/transcript';
import {
  coloursOfBars,
  namesAt,
  nextTurn,
  speakingAt,
  statsOf,
  voicesOf,
} from '../src/routes/video/voices';
import type { Person } from '../src/services/people';
import type { Speaker, Turn } from '../src/services/speakers';
import type { Video } from '../src/services/videos';

// A machine that builds beside it is slow, not wrong.
configure({ asyncUtilTimeout: 10_000 });
vi.setConfig({ testTimeout: 20_000 });

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

const speaker = (speaker_id: string, name: string | null = null): Speaker => ({
  speaker_id,
  video_id: 'v',
  label: `Speaker ${speaker_id}`,
  name,
  person_id: null,
  language: null,
  metadata: {},
  speech_ms: 0,
  turns_count: 0,
  created_at: '',
});
const turn = (speaker_id: string, start_ms: number, end_ms: number): Turn => ({
  speaker_id,
  start_ms,
  end_ms,
  confidence: 1,
});
// b speaks first; a and b overlap from 900 to 1000; a pause; a again.
const turns = [turn('b', 0, 1000), turn('a', 900, 1500), turn('a', 2000, 2100)];
const voices = voicesOf([speaker('a', 'Ada'), speaker('b')], turns);

describe('voices', () => {
  test('are numbered as they are heard, and named', () => {
    expect([...voices.values()].map(({ name, number }) => [number, name])).toEqual([
      [1, 'Speaker b'],
      [2, 'Ada'],
    ]);
  });
  test('a ninth has the first colour and its own number', () => {
    const many = Array.from({ length: 9 }, (_, index) => speaker(`s${index}`));
    const last = [...voicesOf(many, []).values()].at(-1);
    expect([last?.number, last?.colour]).toEqual([9, 1]);
  });
  test('talk time, share, turns, the longest and overlap', () => {
    const stats = statsOf(turns);
    expect(stats.get('a')).toEqual({
      speechMs: 700,
      share: 700 / 1700,
      turns: 2,
      longestMs: 600,
      overlapMs: 100,
    });
    expect(stats.get('b')?.overlapMs).toBe(100);
  });
  test('nobody overlaps where turns only touch', () => {
    const touching = statsOf([turn('a', 0, 100), turn('b', 100, 200)]);
    expect(touching.get('a')?.overlapMs).toBe(0);
    expect(touching.get('b')?.overlapMs).toBe(0);
  });
  test('no turns, no figures', () => expect(statsOf([]).size).toBe(0));
});

describe('who speaks when', () => {
  test.each([
    [500, ['b']],
    [950, ['a', 'b']],
    [1000, ['a']],
    [1700, []],
    [2050, ['a']],
    [2100, []],
  ])('at %d ms %j', (ms, ids) => expect(speakingAt(turns, ms)).toEqual(ids));
  test('in words', () => {
    expect(namesAt({ turns, voices }, 950)).toBe('Ada and Speaker b speak');
    expect(namesAt({ turns, voices }, 10)).toBe('Speaker b speaks');
    expect(namesAt({ turns, voices }, 1700)).toBe('');
  });
  test('the colour of each bar, none in a pause', () => {
    expect(coloursOfBars(turns, voices, 2500, 5)).toEqual([1, 1, 2, 0, 0]);
    expect(coloursOfBars([], new Map(), 2500, 2)).toEqual([0, 0]);
  });
  test('the next passage, and after the last the first', () => {
    expect(nextTurn(turns, 'a', 0)?.start_ms).toBe(900);
    expect(nextTurn(turns, 'a', 900)?.start_ms).toBe(2000);
    expect(nextTurn(turns, 'a', 2000)?.start_ms).toBe(900);
    expect(nextTurn(turns, 'nobody', 0)).toBeUndefined();
  });
});

test('a block begins where somebody else does, once', () => {
  const said = ['b', 'b', null, 'a', 'a'].map((speaker_id) => ({ speaker_id }));
  const heads = blockHeads(said, voices);
  expect(heads.map((head) => head && (head.voice?.name ?? 'unknown'))).toEqual([
    'Speaker b',
    null,
    'unknown',
    'Ada',
    null,
  ]);
  expect(blockHeads(said, new Map())).toEqual([null, null, null, null, null]);
});

describe('a recording without speakers says why', () => {
  type Stage = Video['stages'][number];
  const video = (status: Video['status'], stage?: Partial<Stage>) =>
    ({ status, stages: stage ? [{ type: 'diarize', kind: null, ...stage }] : [] }) as Video;
  const broken = {
    status: 'failed' as const,
    error: {
      code: 'unavailable' as const,
      message: 'the engine ran out of memory',
      details: { hint: 'retry' },
      correlation_id: 'c',
    },
  };
  test.each([
    ['a failed step', video('partial', broken), /ran out of memory; retry/],
    ['underway', video('processing', { status: 'pending', error: null }), /being told apart/],
    ['not made', video('ready'), /were not told apart/],
  ])('%s', (_, of, said) => expect(whyNoSpeakers(of, { made: null, error: null })).toMatch(said));
  test('silence, and a server that does not answer', () => {
    const made = { version: 1, model: 'm', model_hash: '', settings_hash: '', created_at: '' };
    expect(whyNoSpeakers(video('ready'), { made, error: null })).toMatch(/Nobody speaks/);
    const error = new Error('no route');
    expect(whyNoSpeakers(video('ready'), { made: undefined, error })).toMatch(/no route/);
  });
  test('partial names what is missing', () => {
    const stage = (type: Stage['type'], status: Stage['status'], kind: string | null = null) => ({
      type,
      status,
      kind,
    });
    const stages = [stage('diarize', 'failed'), stage('enrich', 'failed', 'embedding')];
    expect(missingParts(stages)).toBe('who speaks and search by meaning');
    expect(missingParts([stage('diarize', 'succeeded')])).toBe('');
  });
});

const person = (person_id: string, name: string | null) =>
  ({ person_id, name, videos_count: 2, speech_ms: 60_000 }) as Person;

describe('picking a person', () => {
  test('a new name is offered last, unless somebody has it', () => {
    const ada = [person('1', 'Ada')];
    expect(optionsFor(ada, 'ad', true).map(({ name, key }) => [key, name])).toEqual([
      ['1', 'Ada'],
      ['new', 'ad'],
    ]);
    expect(optionsFor(ada, 'ada', true).map(({ key }) => key)).toEqual(['1']);
    expect(optionsFor(ada, 'ad', false).map(({ key }) => key)).toEqual(['1']);
    expect(optionsFor([person('2', null)], '', true)).toEqual([]);
  });
  test('arrows choose, Enter waits for what was typed and picks', async () => {
    const asked: string[] = [];
    vi.stubGlobal('fetch', async (url: string) => {
      asked.push(url);
      const items = url.includes('q=b') ? [person('2', 'Bea'), person('3', 'Ben')] : [];
      return new Response(JSON.stringify({ items, page: { total: items.length } }));
    });
    const onPick = vi.fn();
    render(
      <QueryClientProvider client={new QueryClient()}>
        <PersonPicker label="Name" mayCreate busy={false} error={null} onPick={onPick} />
      </QueryClientProvider>,
    );
    const box = screen.getByRole('combobox', { name: 'Name' });
    fireEvent.change(box, { target: { value: 'b' } });
    fireEvent.keyDown(box, { key: 'Enter' });
    expect(onPick).not.toHaveBeenCalled();
    await waitFor(() => expect(onPick).toHaveBeenCalledWith({ person_id: '2' }, 'Bea'));
    fireEvent.keyDown(box, { key: 'ArrowDown' });
    fireEvent.keyDown(box, { key: 'ArrowDown' });
    expect(screen.getByRole('option', { selected: true }).textContent).toContain('a new person');
    fireEvent.keyDown(box, { key: 'Enter' });
    await waitFor(() => expect(onPick).toHaveBeenLastCalledWith({ name: 'b' }, 'b'));
    expect(asked.some((url) => url.includes('state=named'))).toBe(true);
  });
});

test('a toast with a way back can be used once', () => {
  const undo = vi.fn();
  render(<Toasts />);
  tellUndo('Speaker 1 is Ada', undo);
  return screen.findByText('Undo').then((button) => {
    fireEvent.click(button);
    expect(undo).toHaveBeenCalledTimes(1);
    expect(screen.queryByText('Undo')).toBeNull();
  });
});
