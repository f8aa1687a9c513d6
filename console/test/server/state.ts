// What the development server knows, all of it in memory, and how a recording comes to be.
import { createHash, randomUUID } from 'node:crypto';
import type { components } from '../../src/services/api';
import { People } from './people.ts';
import { BEES, COUNCIL, meeting, type Script, scriptOf, TIDES } from './speech.ts';

type Schemas = components['schemas'];
export type Video = Schemas['Video'];
export type Job = Schemas['Job'];
export type Stage = Schemas['Stage'];
export type Event = Schemas['Event'];

export interface Recording {
  video: Video;
  script: Script;
  transcript: Schemas['Transcript'] | null;
  hue: number;
}

export interface Upload {
  length: number;
  offset: number;
  filename: string;
}

export const KEY = 'nrl_development_key_0123456789';
const STEPS: readonly (readonly [Schemas['JobType'], string | null, string, number])[] = [
  ['ingest', null, 'preparing', 0.05],
  ['diarize', null, 'telling speakers apart', 0.2],
  ['transcribe', null, 'transcribing', 0.6],
  ['enrich', 'embedding', 'embedding', 0.12],
  ['index', null, 'indexing', 0.03],
];
const STEP_TICKS = 4;
const TICK_MS = 250;
const DAY_MS = 86_400_000;

const hash = (text: string) => `sha256:${createHash('sha256').update(text).digest('hex')}`;
const ago = (ms: number) => new Date(Date.now() - ms).toISOString();
const now = () => new Date().toISOString();
const idle = (fraction = 0): Schemas['Progress'] => ({ fraction, eta_ms: null, stage: '' });

let ids = 0;
/** Ids that sort by when they were made, and are the same in every run. */
export function newId(): string {
  ids += 1;
  return `0192f0c1-1a2b-7c3d-8e4f-${ids.toString(16).padStart(12, '0')}`;
}

export class State {
  recordings = new Map<string, Recording>();
  jobs = new Map<string, Job>();
  uploads = new Map<string, Upload>();
  keys: Schemas['Key'][] = [];
  sources: Schemas['Source'][] = [];
  sessions = new Map<string, string>(); // session → CSRF token
  listeners = new Set<(event: Event) => void>();
  seq = 400;
  people = new People(this.recordings);

  constructor() {
    this.#seed();
  }

  emit(type: Event['type'], payload: Event['payload']): void {
    const event: Event = {
      id: newId(),
      type,
      version: 1,
      timestamp: now(),
      source: 'api',
      correlation_id: null,
      payload,
    };
    for (const listener of this.listeners) listener(event);
  }

  /** Accepts a recording and begins to pretend to work on it. */
  accept(title: string, source: Video['source']): Video {
    const script = source.locator.startsWith('meeting') ? meeting(newId) : scriptOf(TIDES, newId);
    const recording = this.#add(title, source, script, 0);
    recording.video.status = 'queued';
    recording.transcript = null;
    recording.video.transcript_id = null;
    recording.video.artifacts = recording.video.artifacts.filter(({ kind }) => kind === 'original');
    recording.video.duration_ms = null;
    recording.video.language = null;
    recording.video.progress = idle();
    recording.video.stages = STEPS.map(([type, kind]) => this.#stage(type, kind, 'pending'));
    void this.#process(recording);
    return recording.video;
  }

  #stage(
    type: Stage['type'],
    kind: string | null,
    status: Stage['status'],
    jobId: string | null = null,
  ): Stage {
    const fraction = status === 'succeeded' ? 1 : 0;
    return { type, kind, status, job_id: jobId, progress: idle(fraction), error: null };
  }

  async #process(recording: Recording): Promise<void> {
    const { video } = recording;
    let done = 0;
    const first = this.addJob(video.video_id, 'ingest', null, 'queued', now());
    for (const [index, [type, kind, label, share]] of STEPS.entries()) {
      const job = index === 0 ? first : this.addJob(video.video_id, type, kind, 'queued', now());
      const stage = video.stages[index];
      if (!stage) return;
      stage.job_id = job.id;
      job.status = 'running';
      job.attempts = 1;
      job.started_at = now();
      for (let tick = 0; tick <= STEP_TICKS; tick += 1) {
        await new Promise((resolve) => setTimeout(resolve, TICK_MS));
        if (!this.recordings.has(video.video_id)) return;
        const fraction = tick / STEP_TICKS;
        job.status = tick === STEP_TICKS ? 'succeeded' : 'running';
        job.progress = {
          fraction,
          eta_ms: tick ? (STEP_TICKS - tick) * TICK_MS : null,
          stage: label,
        };
        job.updated_at = now();
        Object.assign(stage, { status: job.status, progress: job.progress });
        video.status = 'processing';
        const whole = done + share * fraction;
        video.progress = { fraction: whole, eta_ms: (1 - whole) * 5000, stage: label };
        this.emit('job.updated', job);
        this.#tell(video);
      }
      done += share;
      if (type === 'ingest') this.#prepared(recording);
      if (type === 'transcribe') this.#transcribed(recording);
    }
    video.status = 'ready';
    video.progress = idle(1);
    video.updated_at = now();
    this.#tell(video);
    this.emit('index.updated', { generation: 'g-0001', as_of_seq: this.seq, lag_ms: 0 });
  }

  #tell({ video_id, status, title, progress }: Video): void {
    this.emit('video.updated', { video_id, status, title, progress });
  }

  #prepared({ video, script }: Recording): void {
    video.artifacts = this.#artifacts(script);
    video.duration_ms = script.durationMs;
  }

  #transcribed(recording: Recording): void {
    const { video } = recording;
    recording.transcript = this.#transcript(video.video_id, recording.script);
    video.transcript_id = recording.transcript.transcript_id;
    video.language = 'en';
    this.people.recognise(recording);
  }

  #artifacts({ media, type }: Script): Video['artifacts'] {
    return (
      [
        ['original', type],
        ['audio', 'audio/flac'],
        ['playback', type],
        ['waveform', 'application/json'],
        ['poster', 'image/svg+xml'],
      ] as const
    ).map(([kind, content_type]) => ({
      kind,
      content_type,
      size_bytes: media.length,
      checksum: hash(kind + media.length),
    }));
  }

  #transcript(videoId: string, { segments, durationMs }: Script): Schemas['Transcript'] {
    const text = segments.map((segment) => segment.text).join(' ');
    return {
      transcript_id: newId(),
      video_id: videoId,
      version: 1,
      provider: 'whisper',
      model: 'base',
      model_hash: hash('base'),
      settings_hash: hash('settings'),
      language: 'en',
      duration_ms: durationMs,
      superseded_by: null,
      created_at: now(),
      text,
      segments,
      audio_ref: { bucket: 'objects', key: '9f/86d081884c7d659a' },
      storage_ref: {
        provider: 'folder',
        bucket: 'objects',
        key: '2c/26b46b68ffc68ff9',
        content_type: 'application/json',
        size_bytes: 48_210,
        checksum: hash(text),
      },
    };
  }

  #add(title: string, source: Video['source'], script: Script, ageMs: number): Recording {
    const id = newId();
    const transcript = this.#transcript(id, script);
    const created = ago(ageMs);
    const recording: Recording = {
      hue: (this.recordings.size * 67 + 170) % 360,
      script,
      transcript,
      video: {
        video_id: id,
        status: 'ready',
        title,
        language: 'en',
        duration_ms: script.durationMs,
        published_at: created,
        created_at: created,
        updated_at: created,
        source,
        artifacts: this.#artifacts(script),
        warnings: [],
        metadata: {},
        transcript_id: transcript.transcript_id,
        progress: idle(1),
        stages: [],
        error: null,
      },
    };
    this.recordings.set(id, recording);
    return recording;
  }

  addJob(
    videoId: string,
    type: Job['type'],
    kind: string | null,
    status: Job['status'],
    at: string,
  ): Job {
    const ended = status !== 'queued' && status !== 'running';
    const job: Job = {
      id: newId(),
      type,
      kind,
      status,
      ingestion_phase: type === 'ingest' && status === 'running' ? 'processing' : null,
      video_id: videoId,
      attempts: status === 'queued' ? 0 : 1,
      attempts_max: 8,
      dead_letter: status === 'failed',
      progress: idle(status === 'succeeded' ? 1 : 0),
      error: null,
      run_at: at,
      queued_at: at,
      created_at: at,
      updated_at: at,
      started_at: status === 'queued' ? null : at,
      finished_at: ended ? at : null,
    };
    this.jobs.set(job.id, job);
    return job;
  }

  #finish(recording: Recording): void {
    const { video } = recording;
    video.stages = STEPS.map(([type, kind]) => {
      const job = this.addJob(video.video_id, type, kind, 'succeeded', video.created_at);
      return this.#stage(type, kind, 'succeeded', job.id);
    });
  }

  #break(recording: Recording, step: number, error: Schemas['StageError']): void {
    const { video } = recording;
    video.status = step === 0 ? 'failed' : 'partial';
    video.error = error;
    video.stages = STEPS.map(([type, kind], index) => {
      if (index > step && step === 0) return this.#stage(type, kind, 'pending');
      const status = index === step ? 'failed' : 'succeeded';
      const job = this.addJob(video.video_id, type, kind, status, video.created_at);
      if (index === step) job.error = error;
      return {
        ...this.#stage(type, kind, status, job.id),
        error: index === step ? error : null,
      };
    });
    if (step > 0) return;
    recording.transcript = null;
    video.transcript_id = null;
    video.artifacts = video.artifacts.filter(({ kind }) => kind === 'original');
    video.duration_ms = null;
    video.language = null;
  }

  #seed(): void {
    const bees = scriptOf(BEES, newId);
    const file = (locator: string, size: number): Video['source'] => ({
      kind: 'upload',
      locator,
      external_id: null,
      size_bytes: size,
    });
    this.#finish(
      this.#add('The beekeeper’s autumn', file('bees.mp3', 18_400_000), bees, 9 * DAY_MS),
    );
    this.#finish(
      this.#add(
        'Why there are two tides a day: a lecture on the moon, the sea and soup bowls',
        {
          kind: 'external_url',
          locator: 'https://lectures.example.org/tides.mp4',
          external_id: 'lecture-17',
          size_bytes: 412_000_000,
        },
        scriptOf(TIDES, newId),
        3 * DAY_MS,
      ),
    );
    this.#break(
      this.#add('slides-only.mp4', file('slides-only.mp4', 9_100_000), bees, 2 * DAY_MS),
      0,
      {
        code: 'media_no_audio',
        message: 'the file has pictures but no sound',
        details: { hint: 'export it again with its sound track' },
        correlation_id: '4f1c2a90b7d34e55',
      },
    );
    this.#break(
      this.#add('Harbour walk with Ines', file('walk.wav', 77_000_000), bees, 5 * 3_600_000),
      3,
      {
        code: 'unavailable',
        message: 'the engine ran out of memory while it made sentence vectors',
        details: { hint: 'search by words works; retry when the machine is less busy' },
        correlation_id: '77ac01be12d94f0a',
      },
    );
    this.#break(
      this.#add(
        'Round table in the rain',
        file('rain.wav', 40_000_000),
        scriptOf(TIDES, newId),
        2 * 3_600_000,
      ),
      1,
      {
        code: 'unavailable',
        message: 'the engine did not answer in time',
        details: { hint: 'retry when the machine is less busy' },
        correlation_id: '1f0e9d8c7b6a5948',
      },
    );
    const council = (title: string, ageMs: number) => {
      const script = scriptOf(COUNCIL, newId, [0, 1, 0, 2, 0]);
      const [first, second] = script.segments;
      if (first && second) {
        second.start_ms -= 700;
        second.overlap_ms = 700;
        first.overlap_ms = 700;
      }
      const recording = this.#add(title, file('council.mp4', 1_073_741_824), script, ageMs);
      this.#finish(recording);
      return recording;
    };
    this.#seedPeople(
      council('City council, 27 October', 32 * DAY_MS),
      council('City council, 24 November', 3_600_000),
    );
    this.#seedPlaces();
  }

  /** A mayor who is known, and a voice that nobody has named, in two councils. */
  #seedPeople(then: Recording, now: Recording): void {
    const [before, after] = [then, now].map((recording) => this.people.speakersOf(recording));
    const [mayorThen, guestThen] = before?.speakers ?? [];
    const [mayorNow, guestNow] = after?.speakers ?? [];
    if (!mayorThen || !guestThen || !mayorNow || !guestNow) return;
    const mayor = this.people.assign(mayorThen.speaker_id, { name: 'Lotte Jansen' }).person;
    const guest = this.people.create(null).person;
    if (!mayor || !guest) return;
    const matched = (speaker: { speaker_id: string }, person_id: string, score: number) =>
      this.people.assign(speaker.speaker_id, { person_id }, { how: 'match', score });
    matched(mayorNow, mayor.person_id, 0.71);
    matched(guestThen, guest.person_id, 0.58);
    matched(guestNow, guest.person_id, 0.58);
    this.people.create('Ines Vaart');
  }

  #seedPlaces(): void {
    this.keys.push({
      id: newId(),
      name: 'nightly import',
      role: 'editor',
      scopes: [],
      prefix: 'nrl_0192f0c1',
      created_at: ago(30 * DAY_MS),
      last_used_at: ago(4 * 3_600_000),
      expires_at: null,
      revoked_at: null,
    });
    this.sources.push({
      id: newId(),
      kind: 'feed',
      locator: 'https://podcast.example.org/feed.xml',
      title: 'Example Podcast',
      status: 'ok',
      poll_interval_s: 900,
      item_count: 20,
      last_polled_at: ago(240_000),
      next_poll_at: ago(-660_000),
      error: null,
      created_at: ago(20 * DAY_MS),
    });
    this.sources.push({
      id: newId(),
      kind: 'feed',
      locator: 'https://gone.example.org/rss',
      title: null,
      status: 'failing',
      poll_interval_s: 3600,
      item_count: 0,
      last_polled_at: ago(1_200_000),
      next_poll_at: ago(-2_400_000),
      error: {
        code: 'unavailable',
        message: 'the server answered 503',
        details: null,
        correlation_id: 'b1946ac92492d234',
      },
      created_at: ago(2 * DAY_MS),
    });
  }

  newSession(): { session: string; csrf: string } {
    const session = randomUUID();
    const csrf = randomUUID();
    this.sessions.set(session, csrf);
    return { session, csrf };
  }
}
