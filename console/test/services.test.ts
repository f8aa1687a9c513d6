import { QueryClient } from '@tanstack/react-query';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { formatQuote } from '../src/components/clipboard';
import { parseUrls } from '../src/routes/library/add_box';
import { sourceOf } from '../src/routes/library/sources';
import { type ApiEvent, applyEvent } from '../src/services/events';
import { ApiError, apiUrl, request, setCsrfToken } from '../src/services/http';
import { ingestUrl } from '../src/services/ingest';
import type { Job } from '../src/services/jobs';
import { isTransient } from '../src/services/query_client';
import { may, type Session } from '../src/services/session';
import { failedJobId, type Video, type VideoList } from '../src/services/videos';
import { State } from './server/state';

function answer(status: number, body: unknown, headers: Record<string, string> = {}) {
  const reply = new Response(status === 204 ? null : JSON.stringify(body), { status, headers });
  return vi.spyOn(globalThis, 'fetch').mockResolvedValue(reply);
}

afterEach(() => setCsrfToken(null));

describe('request', () => {
  test('addresses: lists by comma, nothing for nothing', () => {
    expect(apiUrl('/videos', { status: ['queued', 'processing'], q: '', sort: undefined })).toBe(
      '/api/v1/videos?status=queued%2Cprocessing',
    );
    expect(apiUrl('/videos')).toBe('/api/v1/videos');
  });
  test('the CSRF token goes with writes only', async () => {
    setCsrfToken('token');
    const fetched = answer(200, {});
    await request('GET', '/videos');
    expect(fetched.mock.calls[0]?.[1]?.headers).not.toHaveProperty('X-CSRF-Token');
    fetched.mockResolvedValue(new Response(null, { status: 204 }));
    await request('DELETE', '/videos/1');
    expect(fetched.mock.calls[1]?.[1]?.headers).toHaveProperty('X-CSRF-Token', 'token');
  });
  test('the envelope becomes an ApiError', async () => {
    const error = {
      code: 'conflict',
      message: 'the upload is not complete',
      details: { hint: 'send the rest' },
      correlation_id: 'c1',
    };
    answer(409, { error });
    await expect(request('POST', '/ingest', { body: {} })).rejects.toMatchObject({
      status: 409,
      code: 'conflict',
      message: 'the upload is not complete',
      hint: 'send the rest',
      correlationId: 'c1',
    });
  });
  test('an answer that is not ours is still an error with a number', async () => {
    answer(502, 'bad gateway', { 'X-Correlation-Id': 'c2' });
    await expect(request('GET', '/jobs')).rejects.toMatchObject({
      status: 502,
      code: 'unavailable',
      correlationId: 'c2',
    });
  });
  test('nobody answers', async () => {
    vi.spyOn(globalThis, 'fetch').mockRejectedValue(new TypeError('failed to fetch'));
    const error: unknown = await request('GET', '/jobs').catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(ApiError);
    expect(isTransient(error)).toBe(true);
    expect(isTransient(new ApiError(400, 'invalid_input', 'no'))).toBe(false);
  });
});

describe('addresses', () => {
  test('are told from the words around them', () => {
    expect(
      parseUrls('see https://a.org/x.mp4\nhttps://a.org/x.mp4 and http://b.org ftp://c'),
    ).toEqual(['https://a.org/x.mp4', 'http://b.org']);
  });
  test('a feed or a folder', () => {
    expect(sourceOf('https://a.org/feed')).toEqual({ kind: 'feed', url: 'https://a.org/feed' });
    expect(sourceOf('/srv/talks')).toEqual({ kind: 'folder', path: '/srv/talks' });
    expect(sourceOf('talks')).toBeNull();
  });
  test.each([
    ['https://www.youtube.com/watch?v=1', 'youtube'],
    ['https://youtu.be/1', 'youtube'],
    ['https://notyoutube.com/1', 'external_url'],
  ])('%s is %s', async (url, kind) => {
    const fetched = answer(201, {});
    await ingestUrl(url);
    const sent = fetched.mock.calls[0]?.[1];
    expect(JSON.parse(String(sent?.body))).toEqual({ source: { kind, url } });
    expect(sent?.headers).toHaveProperty('Idempotency-Key');
  });
});

test('a quote says what, where, when, and proves it', () => {
  const quote = { text: ' high\n water ', title: 'Tides', videoId: 'v1', ms: 61_900 };
  expect(formatQuote(quote)).toBe(`“high water” — Tides, 1:01\n${location.origin}/videos/v1?t=61`);
});

test('permissions', () => {
  const session = { permissions: ['read:*', '*:videos:own'] } as Session;
  expect(may(session, 'read:jobs')).toBe(true);
  expect(may(session, 'delete:videos')).toBe(true);
  expect(may(session, 'delete:keys')).toBe(false);
});

describe('events', () => {
  const video = [...new State().recordings.values()].at(-1)?.video as Video;
  const envelope = {
    id: '1',
    version: 1,
    timestamp: '',
    source: 'api',
    correlation_id: null,
  } as const;
  function cached() {
    const client = new QueryClient();
    client.setQueryData<Video>(['video', video.video_id], structuredClone(video));
    client.setQueryData<VideoList>(['videos', {}], {
      items: [structuredClone(video)],
      page: { limit: 20, offset: 0, total: 1, total_relation: 'eq', next_cursor: null },
    });
    return client;
  }
  function videoUpdated(status: Video['status']): ApiEvent {
    const progress = { fraction: 0.5, eta_ms: 1000, stage: 'transcribing' };
    const payload = { video_id: video.video_id, status, title: 'New title', progress };
    return { ...envelope, type: 'video.updated', payload };
  }
  test('progress is patched in, without reading again', () => {
    const client = cached();
    expect(applyEvent(client, videoUpdated('ready'))).toEqual([]);
    expect(client.getQueryData<Video>(['video', video.video_id])?.title).toBe('New title');
    expect(client.getQueryData<VideoList>(['videos', {}])?.items[0]?.progress.fraction).toBe(0.5);
  });
  test('another status is worth reading again', () => {
    expect(applyEvent(cached(), videoUpdated('processing'))).toEqual([
      ['videos'],
      ['video', video.video_id],
      ['speakers', video.video_id],
    ]);
  });
  test('a job moves its stage', () => {
    const client = cached();
    const job = {
      id: 'j2',
      type: 'transcribe',
      kind: null,
      status: 'running',
      video_id: video.video_id,
      progress: { fraction: 0.25, eta_ms: null, stage: 'transcribing' },
      error: null,
    } as Job;
    const keys = applyEvent(client, { ...envelope, type: 'job.updated', payload: job });
    expect(keys).toContainEqual(['video', video.video_id]);
    const stages = client.getQueryData<Video>(['video', video.video_id])?.stages;
    expect(stages?.[2]).toMatchObject({ status: 'running', job_id: 'j2' });
    expect(stages?.[0]?.status).toBe('succeeded');
  });
  test.each([
    ['succeeded', true],
    ['running', false],
  ] as const)('speakers told apart are read again: %s', (status, read) => {
    const client = cached();
    client.setQueryData<Video>(['video', video.video_id], (known) => {
      const stages = known?.stages.map((stage) => ({ ...stage, status: 'queued' as const }));
      return known && { ...known, stages: stages ?? [] };
    });
    const job = { id: 'j3', type: 'diarize', kind: null, status, video_id: video.video_id } as Job;
    const keys = applyEvent(client, { ...envelope, type: 'job.updated', payload: job });
    const expected = expect(keys);
    if (read) expected.toContainEqual(['speakers', video.video_id]);
    else expected.not.toContainEqual(['speakers', video.video_id]);
  });
});

test('the job to retry is the one that failed', () => {
  const videos = [...new State().recordings.values()].map((recording) => recording.video);
  const failed = videos.find(({ status }) => status === 'failed') as Video;
  expect(failedJobId(failed)).toBe(failed.stages[0]?.job_id);
  const ready = videos.find(({ status }) => status === 'ready') as Video;
  expect(failedJobId(ready)).toBeNull();
});
