import { useEffect, useRef, useState } from 'react';
import { formatOffset } from '../format';
import { mediaUrl } from '../services/videos';
import { IconButton } from './button';

// A breath before and after, so that no word is cut.
const MARGIN_MS = 250;

/** Where something is said. */
export interface Passage {
  video_id: string;
  start_ms: number;
  end_ms: number;
}

/** Plays one passage where it stands in the list; starts by itself, stops at its end. */
export function PassagePlayer({ segment, onClose }: { segment: Passage; onClose: () => void }) {
  const audio = useRef<HTMLAudioElement>(null);
  const [timeMs, setTimeMs] = useState(segment.start_ms);
  const [playing, setPlaying] = useState(false);
  const [failed, setFailed] = useState(false);
  const fromMs = Math.max(0, segment.start_ms - MARGIN_MS);
  const untilMs = segment.end_ms + MARGIN_MS;

  useEffect(() => {
    const media = audio.current;
    if (!media) return;
    media.currentTime = fromMs / 1000;
    void media.play().catch(() => setPlaying(false));
    return () => media.pause();
  }, [fromMs]);

  const toggle = () => {
    const media = audio.current;
    if (!media) return;
    if (!media.paused) return media.pause();
    if (media.currentTime * 1000 >= untilMs) media.currentTime = fromMs / 1000;
    void media.play();
  };
  const onTimeUpdate = () => {
    const media = audio.current;
    if (!media) return;
    const now = media.currentTime * 1000;
    setTimeMs(Math.min(now, untilMs));
    if (now >= untilMs) media.pause();
  };
  const fraction = (timeMs - fromMs) / (untilMs - fromMs);
  return (
    <div className="passage-player">
      <audio
        ref={audio}
        src={mediaUrl(segment.video_id, 'playback')}
        preload="metadata"
        onPlay={() => setPlaying(true)}
        onPause={() => setPlaying(false)}
        onTimeUpdate={onTimeUpdate}
        onError={() => setFailed(true)}
      />
      <IconButton
        icon={playing ? 'pause' : 'play'}
        label={playing ? 'Pause' : 'Play'}
        onClick={toggle}
        disabled={failed}
      />
      {failed ? (
        <span className="muted">This recording cannot be played; open it to see why.</span>
      ) : (
        <>
          <progress
            className="progress"
            max={1}
            value={Math.min(1, Math.max(0, fraction))}
            aria-label="Played of the passage"
          />
          <span className="number muted">
            {formatOffset(timeMs)} / {formatOffset(segment.end_ms)}
          </span>
        </>
      )}
      <IconButton icon="close" label="Stop and close" size={16} onClick={onClose} />
    </div>
  );
}
