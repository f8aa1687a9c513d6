import { type FormEvent, useState } from 'react';
import { useLocation } from 'wouter';
import { Button } from '../../components/button';
import { Dialog } from '../../components/dialog';
import { FieldError } from '../../components/field_error';
import { PersonPicker } from '../../components/person_picker';
import { useIdentityAction } from '../../components/use_identity_action';
import {
  changePerson,
  mergePerson,
  type Person,
  personName,
  type Who,
} from '../../services/people';

interface NameDialogProps {
  person: Person;
  onClose: () => void;
}

export function NameDialog({ person, onClose }: NameDialogProps) {
  return person.state === 'named' ? (
    <Rename person={person} onClose={onClose} />
  ) : (
    <NameVoice person={person} onClose={onClose} />
  );
}

function Rename({ person, onClose }: NameDialogProps) {
  const [name, setName] = useState(person.name ?? '');
  const rename = useIdentityAction({
    inPlace: true,
    act: (next: string) => changePerson(person.person_id, { name: next }),
    said: (next) => `${personName(person)} is ${next} now`,
    after: onClose,
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    rename.mutate(name.trim());
  };
  return (
    <Dialog
      open
      onClose={onClose}
      title={`Rename ${personName(person)}`}
      description="Every recording, caption and search result shows the new name. It can be undone."
    >
      <form className="form" onSubmit={submit}>
        <label className="field">
          <span>Name</span>
          <input
            value={name}
            required
            maxLength={200}
            pattern=".*\S.*"
            onChange={(event) => {
              setName(event.target.value);
              rename.reset();
            }}
          />
        </label>
        <FieldError error={rename.error} />
        <div className="dialog-actions">
          <Button onClick={onClose}>Cancel</Button>
          <Button look="primary" type="submit" disabled={rename.isPending || !name.trim()}>
            Rename
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

const NAMING =
  'A new name makes it a person; with a known name its recordings go to that person. ' +
  'Either can be undone.';

/** An unknown voice is somebody new, or somebody known who was not recognised. */
function NameVoice({ person, onClose }: NameDialogProps) {
  const [, navigate] = useLocation();
  const name = useIdentityAction({
    inPlace: true,
    act: ({ who }: { who: Who; name: string }) =>
      'person_id' in who
        ? mergePerson(person.person_id, who.person_id)
        : changePerson(person.person_id, { name: who.name }),
    said: ({ name: next }) => `${personName(person)} is ${next}`,
    after: (_, { who }) => {
      onClose();
      if ('person_id' in who) navigate(`/people/${who.person_id}`);
    },
  });
  return (
    <Dialog open onClose={onClose} title="Who is this voice?" description={NAMING}>
      <PersonPicker
        label="Name"
        except={person.person_id}
        mayCreate
        busy={name.isPending}
        error={name.error}
        onPick={(who, next) => name.mutate({ who, name: next })}
      />
    </Dialog>
  );
}
