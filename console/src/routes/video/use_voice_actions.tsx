import { useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { Dialog } from '../../components/dialog';
import { PersonPicker } from '../../components/person_picker';
import { useIdentityAction } from '../../components/use_identity_action';
import { useMay } from '../../components/use_may';
import { useUrlState } from '../../components/use_url_state';
import { assignSpeaker, MAY_CHANGE, rejectSpeaker, type Who } from '../../services/people';
import { type Speaker, type VideoSpeakers, videoSpeakersQuery } from '../../services/speakers';
import type { Player } from './player';
import type { Heard } from './voices';
import { nextTurn, type Voice } from './voices';

export interface VoiceActions {
  play: (speakerId: string) => void; // the next passage, after the last one the first
  only: (speakerId: string | null) => void; // shows one speaker's words only
  shown: string | null; // the speaker whose words are shown only
  mayName: boolean;
  name: (voice: Voice) => void; // asks who it is
  reject: (voice: Voice) => void; // it is not that person
}

const NAMING =
  'The name is shown wherever this voice speaks in this recording, and it stays when the ' +
  'recording is processed again. It can be undone.';

/** What can be done with the speakers of a recording, and the dialog that it takes. */
export function useVoiceActions(
  videoId: string,
  { turns, voices }: Heard,
  player: Player,
): { actions: VoiceActions; dialog: ReactNode } {
  const client = useQueryClient();
  const [parameters, setUrl] = useUrlState();
  const [naming, setNaming] = useState<string | null>(null);
  const mayName = useMay(MAY_CHANGE);

  const show = (speakerId: string, patch: Partial<Speaker>) =>
    client.setQueryData<VideoSpeakers>(videoSpeakersQuery(videoId).queryKey, (known) =>
      known
        ? {
            ...known,
            speakers: known.speakers.map((speaker) =>
              speaker.speaker_id === speakerId ? { ...speaker, ...patch } : speaker,
            ),
          }
        : known,
    );
  const assign = useIdentityAction({
    inPlace: true,
    act: ({ voice, who }: { voice: Voice; who: Who; name: string }) =>
      assignSpeaker(voice.speaker.speaker_id, who),
    said: ({ voice, name }) => `${voice.speaker.label} is ${name}`,
    before: ({ voice, name }) => show(voice.speaker.speaker_id, { name }),
    after: () => setNaming(null),
  });
  const reject = useIdentityAction({
    act: ({ speaker }: Voice) => rejectSpeaker(speaker.speaker_id, speaker.person_id ?? ''),
    said: ({ speaker, name }) => `${speaker.label} is not ${name}`,
    before: ({ speaker }) => show(speaker.speaker_id, { name: null, person_id: null }),
  });

  const actions: VoiceActions = {
    play: (speakerId) => {
      const turn = nextTurn(turns, speakerId, player.timeMs);
      if (!turn) return;
      player.seek(turn.start_ms);
      player.play();
    },
    only: (speakerId) => setUrl({ speaker: speakerId }, { replace: true }),
    shown: parameters.get('speaker'),
    mayName,
    name: (voice) => {
      assign.reset();
      setNaming(voice.speaker.speaker_id);
    },
    reject: (voice) => reject.mutate(voice),
  };
  const voice = naming === null ? undefined : voices.get(naming);
  const dialog = voice && (
    <Dialog
      open
      onClose={() => setNaming(null)}
      title={`Who is ${voice.name}?`}
      description={NAMING}
    >
      <PersonPicker
        label="Name"
        except={voice.speaker.person_id}
        mayCreate
        busy={assign.isPending}
        error={assign.error}
        onPick={(who, name) => assign.mutate({ voice, who, name })}
      />
    </Dialog>
  );
  return { actions, dialog };
}
