import { VoiceMark } from '../../components/voice_mark';
import type { VoiceActions } from './use_voice_actions';
import type { Voices } from './voices';

/** Whose colour is whose; a click plays the next passage. */
export function VoiceLegend({ voices, actions }: { voices: Voices; actions: VoiceActions }) {
  if (voices.size === 0) return null;
  return (
    <ul className="legend" aria-label="Speakers">
      {[...voices.values()].map(({ speaker, number, colour, name }) => (
        <li key={speaker.speaker_id}>
          <button
            type="button"
            className="legend-voice"
            title={`Play the next passage of ${name}`}
            onClick={() => actions.play(speaker.speaker_id)}
          >
            <VoiceMark number={number} colour={colour} />
            {name}
          </button>
        </li>
      ))}
    </ul>
  );
}
