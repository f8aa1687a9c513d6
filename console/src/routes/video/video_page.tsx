import { useQuery } from '@tanstack/react-query';
import { useEffect, useMemo, useState } from 'react';
import { Link, useLocation } from 'wouter';
import '../../styles/video.css';
import { Icon } from '../../components/icon';
import { ErrorNotice, Skeleton, sentence } from '../../components/list_state';
import { Segmented } from '../../components/segmented';
import { missingParts, StatusBadge } from '../../components/status';
import { useKeys } from '../../components/use_keys';
import { oneOf, useUrlState } from '../../components/use_url_state';
import { searchQuery } from '../../services/search';
import { transcriptQuery } from '../../services/transcripts';
import { hasArtifact, type Video, videoQuery, waveformQuery } from '../../services/videos';
import { Facts, VideoMenu } from './details';
import { Media } from './media';
import { PeopleTab } from './people_tab';
import { Player } from './player';
import { Stages } from './stages';
import { TranscriptPanel } from './transcript_panel';
import { useVoiceActions } from './use_voice_actions';
import { useVoices } from './use_voices';
import { VoiceLegend } from './voice_legend';
import type { Heard } from './voices';
import { type Tick, Waveform } from './waveform';

// Every passage is a little near in meaning: only the nearest are worth a tick.
const HITS_MAX = { lexical: 100, semantic: 10 } as const;

export default function VideoPage({ videoId }: { videoId: string }) {
  const video = useQuery(videoQuery(videoId));
  if (video.isPending) return <Skeleton rows={8} />;
  if (video.isError) {
    return <ErrorNotice error={video.error} onRetry={() => void video.refetch()} />;
  }
  return <LoadedVideo video={video.data} />;
}

function secondOf(parameters: URLSearchParams): number {
  const second = Number(parameters.get('t'));
  return Number.isFinite(second) && second > 0 ? second * 1000 : 0;
}

/** Keeps `?t=` true: where somebody sought to or paused, not every second that passes. */
function useSecondInUrl(player: Player) {
  const [parameters, setUrl] = useUrlState();
  const wantedMs = secondOf(parameters);
  useEffect(() => {
    let shown = Math.floor(player.timeMs / 1000);
    return player.subscribe(() => {
      const second = Math.floor(player.timeMs / 1000);
      if (player.playing || second === shown) return;
      shown = second;
      setUrl({ t: second || null }, { replace: true });
    });
  }, [player, setUrl]);
  // Back and forward, or a link to another second of this page.
  useEffect(() => {
    if (Math.abs(wantedMs - player.timeMs) >= 1000 && !player.playing) player.seek(wantedMs);
  }, [wantedMs, player]);
}

function LoadedVideo({ video }: { video: Video }) {
  const [parameters] = useUrlState();
  const [, navigate] = useLocation();
  const [player] = useState(() => new Player(secondOf(parameters)));
  const [found, setFound] = useState<readonly Tick[]>([]);
  const query = parameters.get('q') ?? '';
  const { video_id: id } = video;
  const playable = hasArtifact(video, 'playback');
  const waveform = useQuery({ ...waveformQuery(id), enabled: hasArtifact(video, 'waveform') });
  const mode = parameters.get('mode') === 'semantic' ? 'semantic' : 'lexical';
  const search = useQuery(searchQuery({ q: query, mode, video_id: id, limit: HITS_MAX[mode] }));
  const transcript = useQuery({
    ...transcriptQuery(video.transcript_id ?? ''),
    enabled: video.transcript_id !== null,
  });
  const heard = useVoices(id);
  const { actions, dialog } = useVoiceActions(id, heard, player);
  const hits = useMemo(() => (query && search.data?.items) || [], [query, search.data]);
  const ticks = useMemo(
    (): Tick[] => [
      ...hits.map(({ segment }): Tick => ({ ms: segment.start_ms, kind: 'hit' })),
      ...found,
    ],
    [hits, found],
  );
  const backHref = query
    ? `/?${new URLSearchParams(mode === 'semantic' ? { q: query, mode } : { q: query })}`
    : '/library';

  useSecondInUrl(player);
  useEffect(() => {
    document.title = `${video.title} · Narralytica`;
  }, [video.title]);
  useKeys({
    ' ': () => player.toggle(),
    '[': () => player.stepRate(-1),
    ']': () => player.stepRate(1),
    Escape: () => {
      const selection = getSelection();
      if (selection?.isCollapsed === false) selection.removeAllRanges();
      else navigate(backHref);
    },
  });

  return (
    <div className="video">
      <div className="video-main">
        <header className="video-head">
          <Link href={backHref} className="back-link">
            <Icon name="back" size={16} />
            <span>{query ? 'Results' : 'Library'}</span>
          </Link>
          <h1>{video.title}</h1>
          {video.status !== 'ready' && <StatusBadge status={video.status} />}
          <VideoMenu video={video} player={player} />
        </header>
        <div className="video-player">
          {playable && <Media video={video} player={player} />}
          {playable && (
            <Waveform
              peaks={waveform.data}
              durationMs={video.duration_ms ?? 0}
              ticks={ticks}
              player={player}
              heard={heard}
            />
          )}
          <VoiceLegend voices={heard.voices} actions={actions} />
        </div>
        <section className="video-text" aria-label="What is said">
          <TranscriptPanel
            video={video}
            player={player}
            query={query}
            hits={hits}
            onFound={setFound}
            heard={heard}
            voiceActions={actions}
          />
        </section>
      </div>
      <section className="video-details" aria-label="About this recording">
        <Oddities warnings={video.warnings} />
        <DetailTabs heard={heard} />
        {tabOf(parameters) === 'people' ? (
          <PeopleTab video={video} heard={heard} actions={actions} />
        ) : (
          <>
            <Processing video={video} />
            <Facts video={video} transcript={transcript.data} />
          </>
        )}
      </section>
      {dialog}
    </div>
  );
}

const TABS = ['about', 'people'] as const;
const tabOf = (parameters: URLSearchParams) => oneOf(parameters.get('tab'), TABS);

function DetailTabs({ heard }: { heard: Heard }) {
  const [parameters, setUrl] = useUrlState();
  const people = heard.voices.size > 0 ? `People ${heard.voices.size}` : 'People';
  return (
    <Segmented
      label="Details"
      value={tabOf(parameters)}
      choices={[
        { value: 'about', label: 'About' },
        { value: 'people', label: people, hint: 'Who speaks for how long' },
      ]}
      onChange={(tab) => setUrl({ tab: tab === 'about' ? null : tab }, { replace: true })}
    />
  );
}

/** What was odd about the recording's media: what is shown may not be all that was recorded. */
function Oddities({ warnings }: { warnings: Video['warnings'] }) {
  if (warnings.length === 0) return null;
  return (
    <ul className="oddities" aria-label="Odd about this recording">
      {warnings.map(({ code, message }) => (
        <li key={code} className="bar bar-warn">
          <Icon name="alert" size={16} />
          {sentence(message)}
        </li>
      ))}
    </ul>
  );
}

function Processing({ video }: { video: Video }) {
  if (video.status === 'ready') {
    return (
      <details className="processing">
        <summary>Processing is complete</summary>
        <Stages stages={video.stages} videoId={video.video_id} />
      </details>
    );
  }
  return (
    <div className="processing">
      <h2>Processing</h2>
      {video.status === 'partial' && (
        <p className="bar bar-warn">
          <Icon name="alert" size={16} />
          It can be searched, but {missingParts(video.stages) || 'something'} is missing.{' '}
          {video.error && sentence(video.error.message)}
        </p>
      )}
      <Stages stages={video.stages} videoId={video.video_id} />
    </div>
  );
}
