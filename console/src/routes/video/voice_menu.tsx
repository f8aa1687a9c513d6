import { useLocation } from 'wouter';
import { Menu, MenuItem } from '../../components/menu';
import type { VoiceActions } from './use_voice_actions';
import type { Voice } from './voices';

/** A speaker's name, and what can be done with it. */
export function VoiceMenu({ voice, actions }: { voice: Voice; actions: VoiceActions }) {
  const [, navigate] = useLocation();
  const { person_id: personId, speaker_id: id } = voice.speaker;
  return (
    <Menu
      trigger={
        <button type="button" className="voice-name" title={`${voice.name}: play, name, filter`}>
          {voice.name}
        </button>
      }
    >
      <MenuItem icon="play" onSelect={() => actions.play(id)}>
        Play the next passage
      </MenuItem>
      <MenuItem icon="filter" onSelect={() => actions.only(actions.shown === id ? null : id)}>
        {actions.shown === id ? 'Show all speakers' : 'Only what they say'}
      </MenuItem>
      {actions.mayName && (
        <MenuItem icon="edit" onSelect={() => actions.name(voice)}>
          Who is this?…
        </MenuItem>
      )}
      {actions.mayName && personId && (
        <MenuItem icon="close" onSelect={() => actions.reject(voice)}>
          Not this person
        </MenuItem>
      )}
      {personId && (
        <MenuItem icon="person" onSelect={() => navigate(`/people/${personId}`)}>
          Open profile
        </MenuItem>
      )}
    </Menu>
  );
}
