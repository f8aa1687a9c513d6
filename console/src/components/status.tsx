import { formatEta } from '../format';
import type { JobStatus } from '../services/jobs';
import type { Progress, Stage, Video, VideoStatus } from '../services/videos';
import { Icon, type IconName } from './icon';

type Status = VideoStatus | JobStatus | 'pending';
type Tone = 'ok' | 'busy' | 'warn' | 'bad' | 'idle';

const LOOKS: Readonly<Record<Status, { tone: Tone; label: string; icon?: IconName }>> = {
  queued: { tone: 'idle', label: 'Waiting' },
  processing: { tone: 'busy', label: 'Processing' },
  ready: { tone: 'ok', label: 'Ready', icon: 'check' },
  partial: { tone: 'warn', label: 'Incomplete', icon: 'alert' },
  failed: { tone: 'bad', label: 'Failed', icon: 'alert' },
  deleted: { tone: 'idle', label: 'Deleted' },
  running: { tone: 'busy', label: 'Running' },
  succeeded: { tone: 'ok', label: 'Done', icon: 'check' },
  canceled: { tone: 'idle', label: 'Canceled', icon: 'close' },
  pending: { tone: 'idle', label: 'Not yet' },
};

export function StatusBadge({ status }: { status: Status }) {
  const { tone, label, icon } = LOOKS[status];
  return (
    <span className={`badge badge-${tone}`}>
      {icon ? <Icon name={icon} size={13} /> : <span className="badge-dot" aria-hidden="true" />}
      {label}
    </span>
  );
}

export function ProgressBar({ fraction, label }: { fraction: number; label: string }) {
  const percent = Math.round(fraction * 100);
  return (
    <progress className="progress" max={100} value={percent} aria-label={label}>
      {percent} %
    </progress>
  );
}

/** "Transcribing · 31 % · about 4 min left". */
export function describeProgress({ fraction, eta_ms, stage }: Progress): string {
  const parts = [`${Math.round(fraction * 100)} %`];
  if (stage) parts.unshift(stage.charAt(0).toUpperCase() + stage.slice(1));
  if (eta_ms !== null) parts.push(`${formatEta(eta_ms)} left`);
  return parts.join(' · ');
}

/** The same for a whole recording. */
export function describeVideo({ status, progress }: Pick<Video, 'status' | 'progress'>): string {
  return status === 'queued' ? 'Waiting for its turn' : describeProgress(progress);
}

const STAGE_NAMES: Readonly<Record<string, string>> = {
  ingest: 'Prepare',
  transcribe: 'Transcribe',
  transcription: 'Transcribe',
  diarize: 'Tell speakers apart',
  'enrich:embedding': 'Embed for meaning',
  index: 'Index',
};

// What a step gives, in the words of who misses it.
const PARTS: Readonly<Record<string, string>> = {
  transcribe: 'the transcript',
  transcription: 'the transcript',
  diarize: 'who speaks',
  'enrich:embedding': 'search by meaning',
  index: 'search by words',
};

/** What failed steps did not give: "who speaks and search by meaning"; '' when nothing is known. */
export function missingParts(stages: readonly Pick<Stage, 'type' | 'kind' | 'status'>[]): string {
  const failed = stages.filter(({ status }) => status === 'failed' || status === 'canceled');
  const parts = failed.map(({ type, kind }) => PARTS[kind ? `${type}:${kind}` : type]);
  return [...new Set(parts.filter((part) => part !== undefined))].join(' and ');
}

export function stageName({ type, kind }: Pick<Stage, 'type' | 'kind'>): string {
  const key = kind ? `${type}:${kind}` : type;
  return STAGE_NAMES[key] ?? (kind ? `Enrich: ${kind}` : type);
}
