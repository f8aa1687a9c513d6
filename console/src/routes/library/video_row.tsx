import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { Link } from 'wouter';
import { Button, IconButton } from '../../components/button';
import { ConfirmDialog, DELETE_CONSEQUENCE } from '../../components/dialog';
import { sentence } from '../../components/list_state';
import { Menu, MenuItem } from '../../components/menu';
import { Poster } from '../../components/poster';
import { describeVideo, ProgressBar, StatusBadge } from '../../components/status';
import { Time } from '../../components/time';
import { tell, tellError } from '../../components/toasts';
import { useMay } from '../../components/use_may';
import { formatLanguage, formatOffset } from '../../format';
import { retryJob } from '../../services/jobs';
import {
  deleteVideo,
  failedJobId,
  hasArtifact,
  isUnderway,
  type Video,
} from '../../services/videos';

export function VideoRow({ video }: { video: Video }) {
  const href = `/videos/${video.video_id}`;
  return (
    <li className="video-row">
      <Link href={href} className="row-poster" tabIndex={-1} aria-hidden="true">
        <Poster videoId={video.video_id} missing={!hasArtifact(video, 'poster')} />
        {video.duration_ms !== null && (
          <span className="hit-time number">{formatOffset(video.duration_ms)}</span>
        )}
      </Link>
      <div className="row-body">
        <Link href={href} className="row-title">
          {video.title}
        </Link>
        <span className="row-meta muted">
          <StatusBadge status={video.status} />
          {video.language && <span>{formatLanguage(video.language)}</span>}
          <span>
            added <Time value={video.created_at} />
          </span>
        </span>
        <State video={video} />
      </div>
      <Actions video={video} />
    </li>
  );
}

function State({ video }: { video: Video }) {
  if (isUnderway(video.status)) {
    return (
      <span className="row-state">
        <ProgressBar fraction={video.progress.fraction} label={`Progress of ${video.title}`} />
        <span className="muted number">{describeVideo(video)}</span>
      </span>
    );
  }
  if (!video.error) return null;
  return (
    <span className={video.status === 'failed' ? 'row-state row-bad' : 'row-state row-warn'}>
      {sentence(video.error.message)}
      {video.error.details?.hint && (
        <span className="muted"> {sentence(video.error.details.hint)}</span>
      )}
    </span>
  );
}

function Actions({ video }: { video: Video }) {
  const client = useQueryClient();
  const [confirming, setConfirming] = useState(false);
  const refresh = () => client.invalidateQueries({ queryKey: ['videos'] });
  const retry = useMutation({
    mutationFn: retryJob,
    onSuccess: () => {
      tell(`“${video.title}” started again`);
      return refresh();
    },
    onError: tellError,
  });
  const remove = useMutation({
    mutationFn: () => deleteVideo(video.video_id),
    onSuccess: () => {
      setConfirming(false);
      tell(`“${video.title}” deleted`);
      return refresh();
    },
    onError: tellError,
  });
  const mayRetry = useMay('write:jobs');
  const mayDelete = useMay('delete:videos');
  const failed = failedJobId(video);
  return (
    <div className="row-actions">
      {failed && mayRetry && (
        <Button icon="retry" disabled={retry.isPending} onClick={() => retry.mutate(failed)}>
          Retry
        </Button>
      )}
      {mayDelete && (
        <Menu trigger={<IconButton icon="more" label={`More for ${video.title}`} />}>
          <MenuItem icon="trash" danger onSelect={() => setConfirming(true)}>
            Delete…
          </MenuItem>
        </Menu>
      )}
      <ConfirmDialog
        open={confirming}
        onClose={() => setConfirming(false)}
        onConfirm={() => remove.mutate()}
        busy={remove.isPending}
        title={`Delete “${video.title}”?`}
        consequence={DELETE_CONSEQUENCE}
        action="Delete it"
      />
    </div>
  );
}
