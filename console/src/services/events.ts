// Server-Sent Events: keeps what is on the screen true, and says when it cannot.
import type { InvalidateQueryFilters, QueryClient } from '@tanstack/react-query';
import type { components } from './api';
import { apiUrl } from './http';
import type { Job } from './jobs';
import { createStore } from './store';
import type { Video, VideoList, VideoUpdate } from './videos';

export type ApiEvent = components['schemas']['Event'];
export type LiveState = 'connecting' | 'live' | 'lost';

export const liveState = createStore<LiveState>('connecting');

const RECONNECT_MS_MIN = 1_000;
const RECONNECT_MS_MAX = 30_000;
// Browsers allow six connections to a server over HTTP/1.1, over all tabs: one that nobody looks at
// gives its own back.
const HIDDEN_MS = 60_000;
// Lists are read again at most this often, however many events come.
const REFRESH_MS = 1_000;

function applyVideoUpdate(client: QueryClient, update: VideoUpdate): boolean {
  const patch = <T extends Video>(video: T): T =>
    video.video_id === update.video_id
      ? { ...video, status: update.status, title: update.title, progress: update.progress }
      : video;
  let statusChanged = true;
  client.setQueryData<Video>(['video', update.video_id], (video) => {
    if (video) statusChanged = video.status !== update.status;
    return video && patch(video);
  });
  client.setQueriesData<VideoList>({ queryKey: ['videos'] }, (list) => {
    const known = list?.items.find((video) => video.video_id === update.video_id);
    if (known) statusChanged = known.status !== update.status;
    return list && { ...list, items: list.items.map(patch) };
  });
  return statusChanged;
}

function applyJobUpdate(client: QueryClient, job: Job): boolean {
  let statusChanged = true;
  client.setQueryData<Video>(['video', job.video_id], (video) => {
    if (!video) return video;
    const stages = video.stages.map((stage) => {
      if (stage.type !== job.type || stage.kind !== job.kind) return stage;
      statusChanged = stage.status !== job.status;
      const { status, progress, error } = job;
      return { ...stage, status, progress, error, job_id: job.id };
    });
    return { ...video, stages };
  });
  client.setQueryData<Job>(['job', job.id], (known) => known && job);
  return statusChanged;
}

/** Applies one event to what is cached; returns the keys of what must be read again. */
export function applyEvent(client: QueryClient, event: ApiEvent): string[][] {
  switch (event.type) {
    case 'job.updated': {
      const job = event.payload as Job;
      const changed = applyJobUpdate(client, job);
      if (!changed) return [['jobs']];
      const keys = [['jobs'], ['job', job.id], ['video', job.video_id]];
      return job.type === 'diarize' && job.status === 'succeeded'
        ? [...keys, ['speakers', job.video_id], ['people'], ['person']]
        : keys;
    }
    case 'video.updated': {
      const update = event.payload as VideoUpdate;
      const changed = applyVideoUpdate(client, update);
      return changed ? [['videos'], ['video', update.video_id], ['speakers', update.video_id]] : [];
    }
    case 'index.updated':
      return [['search']];
    case 'source.updated':
      return [['sources']];
    case 'stream.opened':
      return [];
  }
}

/** Results must not move under the eyes of who reads them: they are only marked as old. */
function refreshOf(queryKey: string[]): InvalidateQueryFilters {
  return queryKey[0] === 'search' ? { queryKey, refetchType: 'none' } : { queryKey };
}

/** Gathers keys and reads them again together, at most once in REFRESH_MS. */
function createRefresher(client: QueryClient) {
  const due = new Map<string, string[]>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const run = () => {
    timer = undefined;
    for (const queryKey of due.values()) void client.invalidateQueries(refreshOf(queryKey));
    due.clear();
  };
  return {
    add(keys: string[][]) {
      for (const key of keys) due.set(key.join('/'), key);
      if (due.size > 0) timer ??= setTimeout(run, REFRESH_MS);
    },
    stop: () => clearTimeout(timer),
  };
}

/** Opens the stream and keeps it open; returns how to close it. */
export function connectEvents(client: QueryClient): () => void {
  const refresher = createRefresher(client);
  let source: EventSource | undefined;
  let retry: ReturnType<typeof setTimeout> | undefined;
  let hidden: ReturnType<typeof setTimeout> | undefined;
  let waitMs = RECONNECT_MS_MIN;
  let wasLive = false;

  const onOpened = () => {
    waitMs = RECONNECT_MS_MIN;
    // What happened while away is not known: read everything on the screen again.
    if (wasLive) void client.invalidateQueries();
    wasLive = true;
    liveState.set('live');
  };
  const onEvent = (message: MessageEvent<string>) => {
    const event = JSON.parse(message.data) as ApiEvent;
    if (event.type === 'stream.opened') onOpened();
    refresher.add(applyEvent(client, event));
  };
  const open = () => {
    source = new EventSource(apiUrl('/events'));
    for (const type of EVENT_TYPES) source.addEventListener(type, onEvent);
    source.onerror = () => {
      liveState.set('lost');
      // CONNECTING: the browser tries by itself. CLOSED: it gave up, for instance on a 401 or 503.
      if (source?.readyState !== EventSource.CLOSED) return;
      void client.invalidateQueries({ queryKey: ['session'] });
      retry = setTimeout(open, waitMs);
      waitMs = Math.min(waitMs * 2, RECONNECT_MS_MAX);
    };
  };
  const close = () => {
    clearTimeout(retry);
    source?.close();
    source = undefined;
    liveState.set('connecting');
  };
  const onVisibility = () => {
    clearTimeout(hidden);
    if (document.hidden) hidden = setTimeout(close, HIDDEN_MS);
    else if (!source) open();
  };
  document.addEventListener('visibilitychange', onVisibility);
  open();
  return () => {
    document.removeEventListener('visibilitychange', onVisibility);
    clearTimeout(hidden);
    refresher.stop();
    close();
  };
}

const EVENT_TYPES: readonly ApiEvent['type'][] = [
  'stream.opened',
  'job.updated',
  'video.updated',
  'index.updated',
  'source.updated',
];
