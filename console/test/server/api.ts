// A development server in memory that answers as contracts/openapi.yaml says. Never shipped.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { components } from '../../src/services/api';
import { Conflict, Missing } from './people.ts';
import { search } from './search.ts';
import { peaks, poster } from './speech.ts';
import { KEY, newId, type Recording, State } from './state.ts';

type Schemas = components['schemas'];

/** Ways in which the server can be made to misbehave: POST /dev?broken=1&forbidden=0 … */
export interface Faults {
  broken: boolean; // the engine is down
  forbidden: boolean; // reads are denied
  failing: boolean; // reads answer 500
  empty: boolean; // lists are empty
  cutUploads: boolean; // PATCH breaks off half way
}

interface Call {
  request: IncomingMessage;
  response: ServerResponse;
  url: URL;
  path: string[]; // below /api/v1
}

class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly code: Schemas['ErrorCode'],
    message: string,
    readonly hint?: string,
  ) {
    super(message);
  }
}

const notFound = () => new Refusal(404, 'resource_not_found', 'there is no such thing');

export class DevelopmentApi {
  state = new State();
  faults: Faults = {
    broken: false,
    forbidden: false,
    failing: false,
    empty: false,
    cutUploads: false,
  };

  /** True when the request was one of ours. */
  handle = async (request: IncomingMessage, response: ServerResponse): Promise<boolean> => {
    const url = new URL(request.url ?? '/', 'http://localhost');
    if (url.pathname === '/livez') {
      json(response, 200, { status: 'alive', version: 'development' });
      return true;
    }
    if (url.pathname === '/dev') {
      this.#misbehave(url.searchParams);
      json(response, 200, this.faults);
      return true;
    }
    if (!url.pathname.startsWith('/api/v1/')) return false;
    const path = url.pathname.slice('/api/v1/'.length).split('/');
    try {
      await this.#route({ request, response, url, path });
    } catch (error) {
      const refusal = refusalOf(error);
      json(response, refusal.status, {
        error: {
          code: refusal.code,
          message: refusal.message,
          details: refusal.hint ? { hint: refusal.hint } : null,
          correlation_id: '4f1c2a90b7d34e55',
        },
      } satisfies Schemas['Error']);
    }
    return true;
  };

  #misbehave(parameters: URLSearchParams): void {
    if (parameters.has('reset')) this.state = new State();
    for (const name of Object.keys(this.faults) as (keyof Faults)[]) {
      const value = parameters.get(name);
      if (value !== null) this.faults[name] = value === '1';
    }
  }

  async #route(call: Call): Promise<void> {
    const { request, path } = call;
    const method = request.method ?? 'GET';
    if (path[0] === 'session') return this.#session(call, method);
    this.#authorize(call, method);
    if (method === 'GET' && path[0] !== 'events') {
      if (this.faults.forbidden) {
        throw new Refusal(403, 'forbidden', `the role viewer may not read ${path[0]}`);
      }
      if (this.faults.failing) {
        throw new Refusal(500, 'internal_error', 'this should not have happened');
      }
    }
    switch (path[0]) {
      case 'videos':
        return this.#videos(call, method);
      case 'transcripts':
        return this.#transcript(call);
      case 'people':
        return this.#people(call, method);
      case 'speakers':
        return this.#speakers(call);
      case 'identity-events':
        return json(call.response, 200, this.state.people.undo(path[1] ?? ''));
      case 'search':
        return this.#search(call);
      case 'jobs':
        return this.#jobs(call, method);
      case 'keys':
        return this.#keys(call, method);
      case 'sources':
        return this.#sources(call, method);
      case 'uploads':
        return this.#uploads(call, method);
      case 'ingest':
        return this.#ingest(call);
      case 'events':
        return this.#events(call);
      default:
        throw notFound();
    }
  }

  #sessionOf(request: IncomingMessage): string | null {
    const session = /narralytica_session=([^;]+)/.exec(request.headers.cookie ?? '')?.[1];
    return session && this.state.sessions.has(session) ? session : null;
  }

  #authorize({ request }: Call, method: string): void {
    const session = this.#sessionOf(request);
    if (!session) throw new Refusal(401, 'unauthorized', 'no key and no session');
    if (['GET', 'HEAD', 'OPTIONS'].includes(method)) return;
    if (request.headers['x-csrf-token'] !== this.state.sessions.get(session)) {
      throw new Refusal(403, 'forbidden', 'the CSRF token is missing or wrong');
    }
  }

  async #session({ request, response }: Call, method: string): Promise<void> {
    if (method === 'POST') {
      const { key, password } = await body<{ key?: string; password?: string }>(request);
      if (key !== KEY && password !== 'development') {
        throw new Refusal(401, 'unauthorized', 'no such key');
      }
      const { session, csrf } = this.state.newSession();
      response.setHeader(
        'Set-Cookie',
        `narralytica_session=${session}; HttpOnly; SameSite=Strict; Path=/`,
      );
      return json(response, 201, sessionBody(csrf));
    }
    const session = this.#sessionOf(request);
    if (!session) throw new Refusal(401, 'unauthorized', 'no key and no session');
    if (method === 'DELETE') {
      this.state.sessions.delete(session);
      return empty(response);
    }
    json(response, 200, sessionBody(this.state.sessions.get(session) ?? null));
  }

  #recording(id: string | undefined): Recording {
    const recording = this.state.recordings.get(id ?? '');
    if (!recording) throw notFound();
    return recording;
  }

  #videos(call: Call, method: string): void {
    const { response, url, path } = call;
    if (!path[1]) return this.#listVideos(call);
    const recording = this.#recording(path[1]);
    const { video, transcript, script } = recording;
    if (method === 'DELETE') {
      this.state.recordings.delete(video.video_id);
      return empty(response);
    }
    const has = (kind: string) => video.artifacts.some((artifact) => artifact.kind === kind);
    switch (path[2]) {
      case undefined:
        return json(response, 200, video);
      case 'media':
        if (!has('playback')) throw notFound();
        return ranged(call, recording.script.media, recording.script.type);
      case 'speakers':
        return json(response, 200, this.state.people.speakersOf(recording));
      case 'waveform':
        if (!has('waveform')) throw notFound();
        return json(response, 200, peaks(script.segments, script.durationMs));
      case 'poster':
        if (!has('poster') || video.title.includes('bee')) throw notFound();
        return bytes(response, 'image/svg+xml', poster(video.title, recording.hue));
      case 'captions':
        if (!transcript) throw notFound();
        return bytes(response, 'text/vtt', captions(transcript, url.searchParams.get('format')));
      default:
        throw notFound();
    }
  }

  #listVideos({ response, url }: Call): void {
    const statuses = url.searchParams.get('status')?.split(',');
    const title = url.searchParams.get('q')?.toLowerCase() ?? '';
    const sort = url.searchParams.get('sort') ?? '-created_at';
    const field = sort.replace('-', '') as 'created_at' | 'title';
    const found = [...this.state.recordings.values()]
      .map(({ video }) => video)
      .filter(({ status }) => !statuses || statuses.includes(status))
      .filter((video) => video.title.toLowerCase().includes(title))
      .sort((a, b) => a[field].localeCompare(b[field]) * (sort.startsWith('-') ? -1 : 1));
    json(response, 200, page(this.faults.empty ? [] : found, url));
  }

  #transcript({ response, path }: Call): void {
    for (const { transcript } of this.state.recordings.values()) {
      if (transcript?.transcript_id === path[1]) return json(response, 200, transcript);
    }
    throw notFound();
  }

  #search({ response, url }: Call): void {
    const parameters = url.searchParams;
    const q = parameters.get('q') ?? '';
    if (/\bAND\s*$/.test(q)) {
      throw new Refusal(
        400,
        'invalid_input',
        `the query ends after AND, at character ${q.length}`,
        'write what must also be said',
      );
    }
    const mode = (parameters.get('mode') ?? 'hybrid') as Schemas['SearchMode'];
    const { limit, offset } = window(url, 10);
    const recordings = this.state.recordings.values();
    const videoId = parameters.get('video_id');
    const speakerId = parameters.get('speaker_id');
    const { broken } = this.faults;
    const { people } = this.state;
    json(
      response,
      200,
      search(recordings, { q, mode, videoId, speakerId, people, limit, offset, broken }),
    );
  }

  async #people({ request, response, url, path }: Call, method: string): Promise<void> {
    const { people } = this.state;
    const [, id = '', action] = path;
    if (!id) {
      if (method === 'POST') {
        const { name } = await body<{ name: string }>(request);
        return json(response, 201, people.create(name));
      }
      const { searchParams } = url;
      const found = people.list(searchParams.get('q') ?? '', searchParams.get('state'));
      return json(response, 200, page(this.faults.empty ? [] : found, url));
    }
    if (method === 'DELETE') return json(response, 200, people.erase(id));
    if (method === 'GET') {
      if (action === 'events') return json(response, 200, page(people.events(id), url));
      return json(response, 200, people.profile(id));
    }
    const wanted = await body<Record<string, never>>(request);
    if (method === 'PATCH') return json(response, 200, people.change(id, wanted));
    if (action === 'merge') return json(response, 200, people.merge(id, wanted.into ?? ''));
    if (action !== 'split') throw notFound();
    const { speaker_ids: speakerIds = [], name = null } = wanted;
    json(response, 200, people.split(id, speakerIds, name));
  }

  async #speakers({ request, response, path }: Call): Promise<void> {
    const { people } = this.state;
    const [, id = '', action] = path;
    if (action === 'assign') {
      return json(response, 200, people.assign(id, await body<Schemas['Assignment']>(request)));
    }
    const { person_id } = await body<{ person_id: string }>(request);
    json(response, 200, people.reject(id, person_id));
  }

  #jobs({ response, url, path }: Call, method: string): void {
    const jobs = [...this.state.jobs.values()].reverse();
    if (!path[1]) {
      const statuses = url.searchParams.get('status')?.split(',');
      const found = jobs.filter(({ status }) => !statuses || statuses.includes(status));
      return json(response, 200, page(this.faults.empty ? [] : found, url));
    }
    const job = this.state.jobs.get(path[1]);
    if (!job) throw notFound();
    if (path[2] === 'runs') return json(response, 200, page(runsOf(job), url));
    if (path[2] === 'events') return json(response, 200, page(eventsOf(job), url));
    if (method === 'POST') {
      const retried = path[2] === 'retry';
      Object.assign(job, { status: retried ? 'queued' : 'canceled', error: null });
      const video = this.state.recordings.get(job.video_id)?.video;
      const stage = video?.stages.find(({ job_id }) => job_id === job.id);
      if (stage) Object.assign(stage, { status: job.status, error: null });
      if (video && retried) Object.assign(video, { status: 'processing', error: null });
    }
    json(response, 200, job);
  }

  async #keys({ request, response, url, path }: Call, method: string): Promise<void> {
    if (method === 'POST') {
      const wanted = await body<Schemas['NewKey']>(request);
      const id = newId();
      const created = {
        id,
        name: wanted.name,
        role: wanted.role,
        scopes: [],
        prefix: `nrl_${id.slice(-8)}`,
        created_at: new Date().toISOString(),
        expires_at: null,
      };
      this.state.keys.unshift({ ...created, last_used_at: null, revoked_at: null });
      const key = `${created.prefix}_9f8e7d6c5b4a39281706f5e4d3c2b1a0`;
      return json(response, 201, { ...created, key } satisfies Schemas['CreatedKey']);
    }
    if (method === 'DELETE') {
      const key = this.state.keys.find(({ id }) => id === path[1]);
      if (!key) throw notFound();
      key.revoked_at ??= new Date().toISOString();
      return empty(response);
    }
    json(response, 200, page(this.faults.empty ? [] : this.state.keys, url));
  }

  async #sources({ request, response, url, path }: Call, method: string): Promise<void> {
    const known = this.state.sources.find(({ id }) => id === path[1]);
    if (path[1] && !known) throw notFound();
    if (method === 'DELETE') {
      this.state.sources = this.state.sources.filter((source) => source !== known);
      return empty(response);
    }
    if (known) return json(response, path[2] === 'poll' ? 202 : 200, known);
    if (method === 'POST') {
      const wanted = await body<Schemas['NewSource']>(request);
      const source: Schemas['Source'] = {
        id: newId(),
        kind: wanted.kind,
        locator: wanted.kind === 'feed' ? wanted.url : wanted.path,
        title: null,
        status: 'polling',
        poll_interval_s: wanted.poll_interval_s ?? 900,
        item_count: 0,
        last_polled_at: null,
        next_poll_at: null,
        error: null,
        created_at: new Date().toISOString(),
      };
      this.state.sources.unshift(source);
      return json(response, 201, source);
    }
    json(response, 200, page(this.faults.empty ? [] : this.state.sources, url));
  }

  async #uploads({ request, response, path }: Call, method: string): Promise<void> {
    response.setHeader('Tus-Resumable', '1.0.0');
    response.setHeader('Upload-Expires', new Date(Date.now() + 86_400_000).toUTCString());
    if (method === 'POST') {
      const id = newId();
      const metadata = request.headers['upload-metadata']?.toString() ?? '';
      const name = /filename ([A-Za-z0-9+/=]+)/.exec(metadata)?.[1] ?? '';
      this.state.uploads.set(id, {
        length: Number(request.headers['upload-length']),
        offset: 0,
        filename: Buffer.from(name, 'base64').toString(),
      });
      response.setHeader('Location', `/api/v1/uploads/${id}`);
      response.writeHead(201).end();
      return;
    }
    const upload = this.state.uploads.get(path[1] ?? '');
    if (!upload) throw notFound();
    if (method === 'PATCH') {
      if (Number(request.headers['upload-offset']) !== upload.offset) {
        throw new Refusal(409, 'conflict', `the upload is at ${upload.offset}`);
      }
      for await (const chunk of request) {
        upload.offset += (chunk as Buffer).length;
        if (this.faults.cutUploads && upload.offset > upload.length / 2) {
          this.faults.cutUploads = false;
          request.socket.destroy();
          return;
        }
      }
    }
    if (method === 'DELETE') this.state.uploads.delete(path[1] ?? '');
    response.setHeader('Upload-Offset', upload.offset);
    response.setHeader('Upload-Length', upload.length);
    response.setHeader('Cache-Control', 'no-store');
    response.writeHead(method === 'HEAD' ? 200 : 204).end();
  }

  async #ingest({ request, response }: Call): Promise<void> {
    const { source, title } = await body<Schemas['IngestRequest']>(request);
    if (source.kind === 'upload') {
      const upload = this.state.uploads.get(source.upload_ref);
      if (!upload) throw notFound();
      if (upload.offset < upload.length) {
        throw new Refusal(409, 'conflict', 'the upload is not complete');
      }
    } else if (/\/\/(10\.|127\.|localhost)/.test(source.url)) {
      throw new Refusal(
        422,
        'unsafe_url',
        `${source.url} points into a private network`,
        'give a public http or https address',
      );
    }
    const upload = source.kind === 'upload' ? this.state.uploads.get(source.upload_ref) : null;
    const locator = source.kind === 'upload' ? (upload?.filename ?? '') : source.url;
    const known = [...this.state.recordings.values()].find(
      ({ video }) => video.source.kind === 'upload' && video.source.locator === locator,
    );
    const video =
      known?.video ??
      this.state.accept(title ?? locator.replace(/\.[a-z0-9]+$/i, ''), {
        kind: source.kind,
        locator,
        external_id: null,
        size_bytes: upload?.length ?? null,
      });
    json(response, 201, {
      job_id: newId(),
      video_id: video.video_id,
      status: 'queued',
      payload_version: '2.0',
      idempotent_replay: false,
      duplicate: known !== undefined,
    } satisfies Schemas['IngestReply']);
  }

  #events({ request, response }: Call): void {
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
    const send = (event: Schemas['Event']) =>
      response.write(`event: ${event.type}\nid: ${event.id}\ndata: ${JSON.stringify(event)}\n\n`);
    response.write('retry: 1000\n\n');
    this.state.listeners.add(send);
    const beat = setInterval(() => response.write(': here\n\n'), 15_000);
    request.on('close', () => {
      clearInterval(beat);
      this.state.listeners.delete(send);
    });
    send({
      id: newId(),
      type: 'stream.opened',
      version: 1,
      timestamp: new Date().toISOString(),
      source: 'api',
      correlation_id: null,
      payload: { resumed: false, as_of_seq: this.state.seq },
    });
  }
}

function refusalOf(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  if (error instanceof Missing) return notFound();
  if (error instanceof Conflict) return new Refusal(409, 'conflict', error.message);
  return new Refusal(500, 'internal_error', String(error));
}

function sessionBody(csrf: string | null): Schemas['Session'] {
  return {
    tenant: { id: '0192f0c1-1a2b-7c3d-8e4f-5a6b7c8d9e90', name: 'default' },
    user: null,
    key_id: '0192f0c1-1a2b-7c3d-8e4f-5a6b7c8d9e01',
    role: 'admin',
    permissions: ['*:*'],
    csrf_token: csrf,
    created_at: new Date().toISOString(),
    expires_at: new Date(Date.now() + 12 * 3_600_000).toISOString(),
  };
}

function runsOf(job: Schemas['Job']): Schemas['JobRun'][] {
  if (job.attempts === 0) return [];
  return [
    {
      id: newId(),
      job_id: job.id,
      attempt: 1,
      status: job.status === 'queued' ? 'failed' : job.status,
      worker_id: '0192f0c1-1a2b-7c3d-8e4f-5a6b7c8d9e30',
      error: job.error,
      started_at: job.created_at,
      finished_at: new Date(Date.parse(job.created_at) + 7_400).toISOString(),
    },
  ];
}

function eventsOf(job: Schemas['Job']): Schemas['JobEvent'][] {
  return ['job.queued', 'job.started', `job.${job.status}`].map((event_type) => ({
    id: newId(),
    job_id: job.id,
    run_id: null,
    event_type,
    payload: {},
    created_at: job.created_at,
  }));
}

function captions(transcript: Schemas['Transcript'], format: string | null): string {
  const at = (ms: number) => new Date(ms).toISOString().slice(11, 23);
  const cues = transcript.segments.map(
    ({ start_ms, end_ms, text }) => `${at(start_ms)} --> ${at(end_ms)}\n${text}\n`,
  );
  return format === 'txt' ? transcript.text : `WEBVTT\n\n${cues.join('\n')}`;
}

function window(url: URL, size = 20): { limit: number; offset: number } {
  const number = (name: string, otherwise: number) =>
    Number(url.searchParams.get(name) ?? otherwise);
  return { limit: number('limit', size), offset: number('offset', 0) };
}

function page<T>(all: readonly T[], url: URL): { items: T[]; page: Schemas['Page'] } {
  const { limit, offset } = window(url);
  return {
    items: all.slice(offset, offset + limit),
    page: { limit, offset, total: all.length, total_relation: 'eq', next_cursor: null },
  };
}

async function body<T>(request: IncomingMessage): Promise<T> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return JSON.parse(Buffer.concat(chunks).toString()) as T;
}

function json(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, {
    'Content-Type': 'application/json',
    'X-Correlation-Id': '4f1c2a90b7d34e55',
  });
  response.end(JSON.stringify(value));
}

function bytes(response: ServerResponse, type: string, value: string): void {
  response.writeHead(200, { 'Content-Type': type, ETag: '"1"', 'Cache-Control': 'private' });
  response.end(value);
}

function empty(response: ServerResponse): void {
  response.writeHead(204).end();
}

function ranged({ request, response }: Call, content: Buffer, type: string): void {
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
  const headers = { 'Content-Type': type, 'Accept-Ranges': 'bytes', ETag: '"1"' };
  if (!range) {
    response.writeHead(200, { ...headers, 'Content-Length': content.length });
    response.end(content);
    return;
  }
  const from = Number(range[1]);
  const to = range[2] ? Math.min(Number(range[2]), content.length - 1) : content.length - 1;
  response.writeHead(206, {
    ...headers,
    'Content-Length': to - from + 1,
    'Content-Range': `bytes ${from}-${to}/${content.length}`,
  });
  response.end(content.subarray(from, to + 1));
}
