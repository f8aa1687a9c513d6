import { useQuery } from '@tanstack/react-query';
import { useDeferredValue, useEffect, useMemo, useState } from 'react';
import { IconButton } from '../../components/button';
import { ErrorNotice, Notice, Skeleton } from '../../components/list_state';
import { useKeys } from '../../components/use_keys';
import { useUrlState } from '../../components/use_url_state';
import { VoiceMark } from '../../components/voice_mark';
import { formatCount, plural } from '../../format';
import type { SearchHit } from '../../services/search';
import { type Transcript as Text, transcriptQuery } from '../../services/transcripts';
import { isUnderway, type Video } from '../../services/videos';
import { FindBar } from './find_bar';
import type { Player } from './player';
import { Transcript } from './transcript';
import type { VoiceActions } from './use_voice_actions';
import type { Heard, Voice } from './voices';
import type { Tick } from './waveform';
import { createFinder, indexAt, matchTime } from './words';

interface TranscriptPanelProps {
  video: Video;
  player: Player;
  query: string; // of the search that led here
  hits: readonly SearchHit[];
  onFound: (ticks: readonly Tick[]) => void;
  heard: Heard;
  voiceActions: VoiceActions;
}

export function TranscriptPanel(props: TranscriptPanelProps) {
  const { video } = props;
  const transcript = useQuery({
    ...transcriptQuery(video.transcript_id ?? ''),
    enabled: video.transcript_id !== null,
  });
  if (video.transcript_id === null) {
    return (
      <Notice icon="lines" title={isUnderway(video.status) ? 'No words yet' : 'No transcript'}>
        {isUnderway(video.status)
          ? 'The transcript appears here by itself as soon as it is made.'
          : 'It could not be transcribed; the steps of processing say why.'}
      </Notice>
    );
  }
  if (transcript.isPending) return <Skeleton rows={8} />;
  if (transcript.isError) {
    return <ErrorNotice error={transcript.error} onRetry={() => void transcript.refetch()} />;
  }
  if (transcript.data.segments.length === 0) {
    return (
      <Notice icon="sound" title="Nobody speaks here">
        Silence and music never become words.
      </Notice>
    );
  }
  return <LoadedPanel {...props} transcript={transcript.data} />;
}

function LoadedPanel(props: TranscriptPanelProps & { transcript: Text }) {
  const { video, player, query, hits, transcript, onFound, heard, voiceActions } = props;
  const [parameters, setUrl] = useUrlState();
  const only = heard.voices.get(parameters.get('speaker') ?? '');
  const segments = useMemo(
    () =>
      only
        ? transcript.segments.filter(({ speaker_id }) => speaker_id === only.speaker.speaker_id)
        : transcript.segments,
    [transcript, only],
  );
  const find = parameters.get('find') ?? '';
  const [at, setAt] = useState(0);
  const finder = useMemo(() => createFinder(segments), [segments]);
  const deferred = useDeferredValue(find);
  const matches = useMemo(() => finder(deferred), [finder, deferred]);
  const hitIds = useMemo(() => new Set(hits.map(({ segment }) => segment.id)), [hits]);
  const current = matches[Math.min(at, matches.length - 1)];

  useEffect(() => {
    onFound(
      matches.flatMap((match): Tick[] => {
        const segment = segments[match.segment];
        return segment ? [{ ms: matchTime(segment, match), kind: 'found' }] : [];
      }),
    );
  }, [matches, segments, onFound]);

  const stops = hits.length > 0 ? hits.map(({ segment }) => segment) : segments;
  const goTo = (step: -1 | 1) => {
    const sorted = stops.toSorted((a, b) => a.start_ms - b.start_ms);
    // A little before the end of a millisecond rounding, so that "next" never stays.
    const here = indexAt(sorted, player.timeMs + 1);
    const next = sorted[Math.max(0, Math.min(sorted.length - 1, here + step))];
    if (next) player.seek(next.start_ms);
  };
  useKeys({ j: () => goTo(1), k: () => goTo(-1) });

  return (
    <>
      <FindBar
        text={find}
        at={Math.min(at, matches.length - 1)}
        count={matches.length}
        onText={(text) => {
          setAt(0);
          setUrl({ find: text }, { replace: true });
        }}
        onStep={(step) => {
          if (matches.length > 0) setAt((at + step + matches.length) % matches.length);
        }}
      />
      {query && hits.length > 0 && (
        <div className="hitbar">
          <span>
            {plural(hits.length, 'passage')} for <strong>{query}</strong>
          </span>
          <span className="grow" />
          <IconButton icon="up" label="Previous passage" size={16} onClick={() => goTo(-1)} />
          <IconButton icon="down" label="Next passage" size={16} onClick={() => goTo(1)} />
          <IconButton
            icon="close"
            label="Forget this search"
            size={16}
            onClick={() => setUrl({ q: null, mode: null }, { replace: true })}
          />
        </div>
      )}
      {only && (
        <OnlyBar
          voice={only}
          count={segments.length}
          total={transcript.segments.length}
          onAll={() => setUrl({ speaker: null }, { replace: true })}
        />
      )}
      <Transcript
        segments={segments}
        hits={hitIds}
        matches={matches}
        current={current}
        player={player}
        title={video.title}
        videoId={video.video_id}
        voices={heard.voices}
        voiceActions={voiceActions}
      />
    </>
  );
}

interface OnlyBarProps {
  voice: Voice;
  count: number;
  total: number;
  onAll: () => void;
}

/** The transcript shows one speaker's words only, and says so. */
function OnlyBar({ voice, count, total, onAll }: OnlyBarProps) {
  return (
    <div className="hitbar onlybar">
      <VoiceMark number={voice.number} colour={voice.colour} />
      <span>
        Only <strong>{voice.name}</strong>,{' '}
        <span className="number">
          {formatCount(count)} of {plural(total, 'passage')}
        </span>
      </span>
      <span className="grow" />
      <IconButton icon="close" label="Show all speakers" size={16} onClick={onAll} />
    </div>
  );
}
