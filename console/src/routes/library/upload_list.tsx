import { Link } from 'wouter';
import { IconButton } from '../../components/button';
import { Icon } from '../../components/icon';
import { sentence } from '../../components/list_state';
import { ProgressBar } from '../../components/status';
import { formatBytes, formatEta } from '../../format';
import { useStore } from '../../services/store';
import {
  dropUpload,
  pauseUpload,
  resumeUpload,
  type UploadItem,
  uploads,
} from '../../services/uploads';

/** Files on their way. Accepted ones stay listed until put away, so that nobody wonders. */
export function UploadList() {
  const items = useStore(uploads);
  if (items.length === 0) return null;
  return (
    <ul className="uploads" aria-label="Uploads">
      {items.map((item) => (
        <UploadRow key={item.id} item={item} />
      ))}
    </ul>
  );
}

export function describeUpload(item: UploadItem): string {
  const { state, sent, size, bytesPerSecond } = item;
  const bytes = `${formatBytes(sent)} of ${formatBytes(size)}`;
  switch (state) {
    case 'waiting':
      return `Waiting · ${formatBytes(size)}`;
    case 'paused':
      return `Paused · ${bytes}`;
    case 'accepting':
      return 'Sent; being accepted';
    case 'accepted':
      return 'Accepted; it is processed below';
    case 'failed':
      return sentence(item.error ?? 'it failed');
    case 'sending': {
      const parts = [item.resumed ? `Going on · ${bytes}` : bytes];
      if (bytesPerSecond > 0) {
        parts.push(`${formatBytes(bytesPerSecond)}/s`);
        parts.push(`${formatEta(((size - sent) / bytesPerSecond) * 1000)} left`);
      }
      return parts.join(' · ');
    }
  }
}

function UploadRow({ item }: { item: UploadItem }) {
  const { id, name, state, sent, size } = item;
  const done = state === 'accepted';
  return (
    <li className={`upload upload-${state}`}>
      <Icon name={done ? 'check' : state === 'failed' ? 'alert' : 'upload'} size={18} />
      <div className="upload-body">
        <span className="upload-name">
          {item.videoId ? <Link href={`/videos/${item.videoId}`}>{name}</Link> : name}
        </span>
        {!done && state !== 'failed' && (
          <ProgressBar fraction={size ? sent / size : 0} label={`Sent of ${name}`} />
        )}
        <span className="muted number" role={state === 'failed' ? 'alert' : undefined}>
          {describeUpload(item)}
        </span>
      </div>
      {state === 'sending' && (
        <IconButton icon="pause" label={`Pause ${name}`} onClick={() => pauseUpload(id)} />
      )}
      {(state === 'paused' || state === 'failed') && (
        <IconButton
          icon={state === 'paused' ? 'play' : 'retry'}
          label={`Go on with ${name}`}
          onClick={() => resumeUpload(id)}
        />
      )}
      {state !== 'accepting' && (
        <IconButton
          icon="close"
          label={done ? `Put ${name} away` : `Cancel ${name}`}
          onClick={() => dropUpload(id)}
        />
      )}
    </li>
  );
}
