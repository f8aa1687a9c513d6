import { useRef, useState } from 'react';
import { Button, IconButton } from '../../components/button';
import { formatOffset } from '../../format';
import { captionsUrl, hasArtifact, mediaUrl, posterUrl, type Video } from '../../services/videos';
import { type Player, RATES, usePlayer } from './player';

const SKIP_MS = 10_000;
const PICTURES = new Set(['video/mp4', 'video/webm']);

function hasPicture(video: Video): boolean {
  const original = video.artifacts.find(({ kind }) => kind === 'original');
  return hasArtifact(video, 'poster') && PICTURES.has(original?.content_type ?? '');
}

/** The picture when the browser can show the original, else the sound alone. */
export function Media({ video, player }: { video: Video; player: Player }) {
  const [picture, setPicture] = useState(() => hasPicture(video));
  const [failed, setFailed] = useState(false);
  const frame = useRef<HTMLDivElement>(null);
  return (
    <div className="media" ref={frame}>
      {picture ? (
        <video
          ref={player.attach}
          className="media-picture"
          src={mediaUrl(video.video_id, 'original')}
          poster={posterUrl(video.video_id)}
          preload="metadata"
          playsInline
          onClick={() => player.toggle()}
          onError={() => setPicture(false)}
          // The sound of a picture that this browser cannot decode plays in the dark.
          onLoadedMetadata={(event) => event.currentTarget.videoWidth || setPicture(false)}
        >
          {video.transcript_id && (
            <track kind="captions" src={captionsUrl(video.video_id, 'vtt')} label="Captions" />
          )}
        </video>
      ) : (
        <>
          {hasArtifact(video, 'poster') && (
            <img className="media-still" src={posterUrl(video.video_id)} alt="" />
          )}
          <audio
            ref={player.attach}
            src={mediaUrl(video.video_id, 'playback')}
            preload="metadata"
            onError={() => setFailed(true)}
          />
        </>
      )}
      {failed && (
        <p className="bar bar-bad" role="alert">
          The sound cannot be loaded. The transcript works without it.
        </p>
      )}
      <Controls
        player={player}
        durationMs={video.duration_ms}
        {...(picture && { onFullscreen: () => void frame.current?.requestFullscreen() })}
      />
    </div>
  );
}

interface ControlsProps {
  player: Player;
  durationMs: number | null;
  onFullscreen?: () => void;
}

function Controls({ player, durationMs, onFullscreen }: ControlsProps) {
  const playing = usePlayer(player, (p) => p.playing);
  const second = usePlayer(player, (p) => Math.floor(p.timeMs / 1000));
  const knownMs = usePlayer(player, (p) => p.durationMs);
  const rate = usePlayer(player, (p) => p.rate);
  const muted = usePlayer(player, (p) => p.muted);
  return (
    <div className="controls">
      <IconButton
        icon={playing ? 'pause' : 'play'}
        label={playing ? 'Pause' : 'Play'}
        className="controls-play"
        onClick={() => player.toggle()}
      />
      <Button
        look="quiet"
        className="number"
        aria-label="Back 10 seconds"
        onClick={() => player.seek(player.timeMs - SKIP_MS)}
      >
        −10
      </Button>
      <Button
        look="quiet"
        className="number"
        aria-label="Forward 10 seconds"
        onClick={() => player.seek(player.timeMs + SKIP_MS)}
      >
        +10
      </Button>
      <span className="number controls-time">
        {formatOffset(second * 1000)}
        <span className="muted"> / {formatOffset(durationMs ?? knownMs)}</span>
      </span>
      <span className="grow" />
      <select
        className="select select-small number"
        aria-label="Speed"
        value={rate}
        onChange={(event) => player.setRate(Number(event.target.value))}
      >
        {RATES.map((value) => (
          <option key={value} value={value}>
            {value}×
          </option>
        ))}
      </select>
      <IconButton
        icon={muted ? 'muted' : 'volume'}
        label={muted ? 'Sound on' : 'Mute'}
        className="controls-mute"
        onClick={() => player.setMuted(!muted)}
      />
      {onFullscreen && <IconButton icon="expand" label="Full screen" onClick={onFullscreen} />}
    </div>
  );
}
