import { useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import { ErrorNotice, Notice, Skeleton } from '../../components/list_state';
import { Poster } from '../../components/poster';
import { describeVideo, ProgressBar } from '../../components/status';
import { Time } from '../../components/time';
import { formatOffset } from '../../format';
import { hasArtifact, isUnderway, type Video, videosQuery } from '../../services/videos';

const RECENT_MAX = 6;

/** The search page before the first query: what there is to search. */
export function Welcome() {
  const videos = useQuery(videosQuery({ limit: RECENT_MAX, sort: '-created_at' }));
  if (videos.isPending) return <Skeleton rows={2} tall />;
  if (videos.isError) {
    return <ErrorNotice error={videos.error} onRetry={() => void videos.refetch()} />;
  }
  if (videos.data.items.length === 0) {
    return (
      <Notice
        icon="library"
        title="There is nothing to search yet"
        action={
          <Link href="/library" className="button button-primary">
            Add recordings
          </Link>
        }
      >
        Add a recording; its words can be searched as soon as they are transcribed.
      </Notice>
    );
  }
  return (
    <section className="recent" aria-labelledby="recent">
      <div className="section-head">
        <h2 id="recent">Recently added</h2>
        <Link href="/library">All recordings</Link>
      </div>
      <ul className="recent-list">
        {videos.data.items.map((video) => (
          <RecentVideo key={video.video_id} video={video} />
        ))}
      </ul>
    </section>
  );
}

function RecentVideo({ video }: { video: Video }) {
  return (
    <li>
      <Link href={`/videos/${video.video_id}`} className="recent-item">
        <span className="recent-poster">
          <Poster videoId={video.video_id} missing={!hasArtifact(video, 'poster')} />
          {video.duration_ms !== null && (
            <span className="hit-time number">{formatOffset(video.duration_ms)}</span>
          )}
        </span>
        <span className="recent-title">{video.title}</span>
        {isUnderway(video.status) ? (
          <>
            <ProgressBar fraction={video.progress.fraction} label={`Progress of ${video.title}`} />
            <span className="muted">{describeVideo(video)}</span>
          </>
        ) : (
          <span className="muted">
            added <Time value={video.created_at} />
          </span>
        )}
      </Link>
    </li>
  );
}
