import { useMemo } from 'react';
import { Link } from 'wouter';
import { IconButton } from '../../components/button';
import { sentence } from '../../components/list_state';
import { VoiceMark } from '../../components/voice_mark';
import { formatCount, formatDuration } from '../../format';
import type { Video } from '../../services/videos';
import { isUnderway } from '../../services/videos';
import type { VoiceActions } from './use_voice_actions';
import { VoiceMenu } from './voice_menu';
import type { Heard } from './voices';
import { statsOf, type Voice, type VoiceStats } from './voices';

interface PeopleTabProps {
  video: Video;
  heard: Heard;
  actions: VoiceActions;
}

/** Who speaks for how long; without speakers, why not. */
export function PeopleTab({ video, heard, actions }: PeopleTabProps) {
  const stats = useMemo(() => statsOf(heard.turns), [heard.turns]);
  if (heard.voices.size === 0) return <NoSpeakers video={video} heard={heard} />;
  return (
    <>
      <div className="table-frame">
        <table className="table voices">
          <caption className="visually-hidden">Talk time of every speaker</caption>
          <thead>
            <tr>
              <th scope="col">Speaker</th>
              <th scope="col" className="table-number">
                Talk time
              </th>
              <th scope="col" className="table-number">
                Share
              </th>
              <th scope="col" className="table-number">
                Turns
              </th>
              <th scope="col" className="table-number">
                Longest
              </th>
              <th scope="col" className="table-number" title="While somebody else speaks too">
                Overlap
              </th>
            </tr>
          </thead>
          <tbody>
            {[...heard.voices.values()].map((voice) => (
              <VoiceRow
                key={voice.speaker.speaker_id}
                voice={voice}
                stats={stats.get(voice.speaker.speaker_id)}
                actions={actions}
              />
            ))}
          </tbody>
        </table>
      </div>
      <p className="muted small">
        By {heard.made?.model ?? 'an unknown model'}, version {heard.made?.version ?? '?'}. Talk
        time adds up every turn; while two speak, both count.
      </p>
    </>
  );
}

interface VoiceRowProps {
  voice: Voice;
  stats: VoiceStats | undefined;
  actions: VoiceActions;
}

function VoiceRow({ voice, stats, actions }: VoiceRowProps) {
  const { speaker, number, colour, name } = voice;
  const percent = Math.round((stats?.share ?? 0) * 100);
  return (
    <tr>
      <td className="table-wide">
        <span className="voice-cell">
          <VoiceMark number={number} colour={colour} />
          <VoiceMenu voice={voice} actions={actions} />
          <IconButton
            icon="play"
            size={14}
            label={`Play the next passage of ${name}`}
            onClick={() => actions.play(speaker.speaker_id)}
          />
        </span>
        {speaker.person_id && (
          <span className="table-note muted">
            {speaker.name && `${speaker.label} · `}
            <Link href={`/people/${speaker.person_id}`}>
              {speaker.name ? 'profile' : 'a voice heard elsewhere too'}
            </Link>
          </span>
        )}
      </td>
      <td className="table-number number">{formatDuration(stats?.speechMs ?? 0)}</td>
      <td className="table-number number">
        <meter className={`share voice-${colour}`} min={0} max={100} value={percent}>
          {percent} %
        </meter>
        {percent} %
      </td>
      <td className="table-number number">
        {formatCount(stats?.turns ?? 0)}
        <span className="table-unit muted"> turns</span>
      </td>
      <td className="table-number number">
        <span className="table-unit muted">longest </span>
        {formatDuration(stats?.longestMs ?? 0)}
      </td>
      <td className="table-number number">
        <span className="table-unit muted">overlap </span>
        {formatDuration(stats?.overlapMs ?? 0)}
      </td>
    </tr>
  );
}

/** Why nobody is told apart; everything else of the recording works without. */
export function whyNoSpeakers(video: Video, { made, error }: Pick<Heard, 'made' | 'error'>) {
  const stage = video.stages.find(({ type }) => type === 'diarize');
  if (stage?.error && (stage.status === 'failed' || stage.status === 'canceled')) {
    const hint = stage.error.details?.hint;
    return `The speakers could not be told apart: ${stage.error.message}${hint ? `; ${hint}` : ''}`;
  }
  if (error) return `Who speaks cannot be read now: ${error.message}`;
  if (made) return 'Nobody speaks in this recording';
  if (stage?.status === 'running' || (stage && isUnderway(video.status))) {
    return 'The speakers are being told apart; they appear here by themselves';
  }
  if (made === undefined) return 'Who speaks is being read';
  return 'The speakers of this recording were not told apart when it was processed';
}

function NoSpeakers({ video, heard }: { video: Video; heard: Heard }) {
  const failed = video.stages.some(
    ({ type, status }) => type === 'diarize' && (status === 'failed' || status === 'canceled'),
  );
  return (
    <div className="no-speakers">
      <p className={failed || heard.error ? 'bar bar-warn' : 'muted'} role="status">
        {sentence(whyNoSpeakers(video, heard))}
      </p>
      {video.transcript_id && (
        <p className="muted small">The transcript, search and the sound work without it.</p>
      )}
    </div>
  );
}
