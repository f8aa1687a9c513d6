import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useLocation } from 'wouter';
import { IconButton } from '../../components/button';
import { copy, permalink } from '../../components/clipboard';
import { ConfirmDialog, DELETE_CONSEQUENCE } from '../../components/dialog';
import { Menu, MenuItem, MenuLink } from '../../components/menu';
import { Time } from '../../components/time';
import { tell, tellError } from '../../components/toasts';
import { useMay } from '../../components/use_may';
import { formatBytes, formatDate, formatLanguage, formatOffset } from '../../format';
import type { Transcript } from '../../services/transcripts';
import { captionsUrl, deleteVideo, hasArtifact, mediaUrl, type Video } from '../../services/videos';
import { SOURCE_NAMES } from '../search/filters';
import type { Player } from './player';

/** Everything to take away, and the way to take it away for good. */
export function VideoMenu({ video, player }: { video: Video; player: Player }) {
  const client = useQueryClient();
  const [, navigate] = useLocation();
  const [confirming, setConfirming] = useState(false);
  const mayDelete = useMay('delete:videos');
  const { video_id: id } = video;
  const remove = useMutation({
    mutationFn: () => deleteVideo(id),
    onSuccess: () => {
      tell(`“${video.title}” deleted`);
      client.removeQueries({ queryKey: ['video', id] });
      void client.invalidateQueries();
      navigate('/library');
    },
    onError: tellError,
  });
  return (
    <>
      <Menu trigger={<IconButton icon="more" label="Downloads and more" />}>
        <MenuItem icon="link" onSelect={() => void copy(permalink(id, player.timeMs), 'Link')}>
          Copy link to this second
        </MenuItem>
        {video.transcript_id && (
          <>
            <MenuLink icon="download" href={captionsUrl(id, 'txt')}>
              Transcript (text)
            </MenuLink>
            <MenuLink icon="download" href={captionsUrl(id, 'vtt')}>
              Captions (WebVTT)
            </MenuLink>
            <MenuLink icon="download" href={captionsUrl(id, 'srt')}>
              Captions (SubRip)
            </MenuLink>
            <MenuLink icon="download" href={`/api/v1/transcripts/${video.transcript_id}`}>
              Transcript with word times (JSON)
            </MenuLink>
          </>
        )}
        {hasArtifact(video, 'audio') && (
          <MenuLink icon="download" href={mediaUrl(id, 'audio')}>
            Sound (FLAC)
          </MenuLink>
        )}
        {hasArtifact(video, 'original') && (
          <MenuLink icon="download" href={mediaUrl(id, 'original')}>
            Original file
          </MenuLink>
        )}
        {mayDelete && (
          <MenuItem icon="trash" danger onSelect={() => setConfirming(true)}>
            Delete…
          </MenuItem>
        )}
      </Menu>
      <ConfirmDialog
        open={confirming}
        onClose={() => setConfirming(false)}
        onConfirm={() => remove.mutate()}
        busy={remove.isPending}
        title={`Delete “${video.title}”?`}
        consequence={DELETE_CONSEQUENCE}
        action="Delete it"
      />
    </>
  );
}

/** "whisper-base", and "moonshine base" where the model's name alone says too little. */
function nameOfModel({ provider, model }: Transcript): string {
  return model.startsWith(provider) ? model : `${provider} ${model}`;
}

export function Facts({ video, transcript }: { video: Video; transcript: Transcript | undefined }) {
  return (
    <dl className="facts">
      <div>
        <dt>Origin</dt>
        <dd>
          {SOURCE_NAMES[video.source.kind]}:{' '}
          {/^https?:/.test(video.source.locator) ? (
            <a href={video.source.locator} rel="noreferrer noopener">
              {video.source.locator}
            </a>
          ) : (
            video.source.locator
          )}
          {video.source.size_bytes !== null && ` (${formatBytes(video.source.size_bytes)})`}
        </dd>
      </div>
      {video.published_at && (
        <div>
          <dt>Published</dt>
          <dd>{formatDate(video.published_at)}</dd>
        </div>
      )}
      <div>
        <dt>Added</dt>
        <dd>
          <Time value={video.created_at} />
        </dd>
      </div>
      {video.duration_ms !== null && (
        <div>
          <dt>Length</dt>
          <dd className="number">{formatOffset(video.duration_ms)}</dd>
        </div>
      )}
      {video.language && (
        <div>
          <dt>Language</dt>
          <dd>{formatLanguage(video.language)}</dd>
        </div>
      )}
      {transcript && (
        <div>
          <dt>Transcript</dt>
          <dd title={`model ${transcript.model_hash}, settings ${transcript.settings_hash}`}>
            version {transcript.version}, by {nameOfModel(transcript)}
          </dd>
        </div>
      )}
    </dl>
  );
}
