import { useState } from 'react';
import { posterUrl } from '../services/videos';
import { Icon } from './Icon';

/** A frame of the recording; a sign for sound when it has none. */
export function Poster({ videoId }: { videoId: string }) {
  const [missing, setMissing] = useState(false);
  return (
    <span className="poster">
      {missing ? (
        <Icon name="sound" size={28} />
      ) : (
        <img src={posterUrl(videoId)} alt="" loading="lazy" onError={() => setMissing(true)} />
      )}
    </span>
  );
}
