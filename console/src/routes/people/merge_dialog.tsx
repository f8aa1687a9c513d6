import { useState } from 'react';
import { useLocation } from 'wouter';
import { Button } from '../../components/button';
import { Dialog } from '../../components/dialog';
import { FieldError } from '../../components/field_error';
import { PersonPicker } from '../../components/person_picker';
import { useIdentityAction } from '../../components/use_identity_action';
import { plural } from '../../format';
import { mergePerson, type Person, personName } from '../../services/people';

interface Into {
  person_id: string;
  name: string;
}

const describeVoices = (person: Person) =>
  `${plural(person.speakers_count, 'voice')} in ${plural(person.videos_count, 'recording')} and ` +
  plural(person.voiceprints_count, 'voiceprint');

/** This person is somebody else who is known: who, and then what happens. */
export function MergeDialog({ person, onClose }: { person: Person; onClose: () => void }) {
  const [, navigate] = useLocation();
  const [into, setInto] = useState<Into | null>(null);
  const name = personName(person);
  const merge = useIdentityAction({
    inPlace: true,
    act: (target: Into) => mergePerson(person.person_id, target.person_id),
    said: (target) => `${name} was merged into ${target.name}`,
    after: (_, target) => {
      onClose();
      navigate(`/people/${target.person_id}`);
    },
  });
  return (
    <Dialog open onClose={onClose} title={`Merge ${name} into…`}>
      {into === null ? (
        <PersonPicker
          label="Who is it really?"
          except={person.person_id}
          busy={false}
          error={null}
          onPick={(who, picked) =>
            'person_id' in who && setInto({ person_id: who.person_id, name: picked })
          }
        />
      ) : (
        <>
          <p>
            <strong>{into.name}</strong> gets {describeVoices(person)} of <strong>{name}</strong>,
            who is no longer listed. Names in transcripts, captions and search change with it.
          </p>
          <p className="muted">The merge can be undone as long as nothing later rests on it.</p>
          <FieldError error={merge.error} />
          <div className="dialog-actions">
            <Button onClick={() => setInto(null)}>Somebody else</Button>
            <Button
              look="primary"
              icon="merge"
              disabled={merge.isPending}
              autoFocus
              onClick={() => merge.mutate(into)}
            >
              Merge them
            </Button>
          </div>
        </>
      )}
    </Dialog>
  );
}
