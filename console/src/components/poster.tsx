import { useState } from 'react';
import { posterUrl } from '../services/videos';
import { Icon } from './icon';

interface PosterProps {
  videoId: string;
  missing?: boolean; // known to have none; what is not known is tried
}

/** A frame of the recording; a sign for sound when it has none. */
export function Poster({ videoId, missing = false }: PosterProps) {
  const [failed, setFailed] = useState(false);
  return (
    <span className="poster">
      {missing || failed ? (
        <Icon name="sound" size={28} />
      ) : (
        <img src={posterUrl(videoId)} alt="" loading="lazy" onError={() => setFailed(true)} />
      )}
    </span>
  );
}
