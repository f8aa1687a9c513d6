import { type FormEvent, useState } from 'react';
import { Button } from '../../components/button';
import { Dialog } from '../../components/dialog';
import { FieldError } from '../../components/field_error';
import { useIdentityAction } from '../../components/use_identity_action';
import { formatDuration, plural } from '../../format';
import { type Profile, personName, splitPerson } from '../../services/people';
import { describeHow } from './appearances';

interface Split {
  speakerIds: readonly string[];
  name: string;
}

const CONSEQUENCE =
  'They become another person, and it is remembered that they are not this one. Recordings that ' +
  'were matched by them are matched again. It can be undone.';

/** Two people were taken for one: chooses the voices of the other. */
export function SplitDialog({ profile, onClose }: { profile: Profile; onClose: () => void }) {
  const { person, appearances } = profile;
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [name, setName] = useState('');
  const old = personName(person);
  const split = useIdentityAction({
    inPlace: true,
    act: ({ speakerIds, name: next }: Split) =>
      splitPerson(person.person_id, speakerIds, next || undefined),
    said: ({ speakerIds, name: next }) =>
      `${plural(speakerIds.length, 'voice')} of ${old} became ${next || 'another person'}`,
    after: onClose,
  });
  const toggle = (speakerId: string) => {
    const next = new Set(chosen);
    if (!next.delete(speakerId)) next.add(speakerId);
    setChosen(next);
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    split.mutate({ speakerIds: [...chosen], name: name.trim() });
  };
  const all = chosen.size >= person.speakers_count;
  return (
    <Dialog open onClose={onClose} title={`Which voices are not ${old}?`} description={CONSEQUENCE}>
      <form className="form" onSubmit={submit}>
        <fieldset className="checks">
          <legend className="visually-hidden">Voices of somebody else</legend>
          {appearances.map((appearance) => (
            <label key={appearance.speaker_id} className="check">
              <input
                type="checkbox"
                checked={chosen.has(appearance.speaker_id)}
                onChange={() => toggle(appearance.speaker_id)}
              />
              <span>
                {appearance.label} of {appearance.title}
                <span className="table-note muted">
                  {formatDuration(appearance.speech_ms)}, {describeHow(appearance)}
                </span>
              </span>
            </label>
          ))}
        </fieldset>
        <label className="field">
          <span>Name of the other person, if known</span>
          <input value={name} maxLength={200} onChange={(event) => setName(event.target.value)} />
        </label>
        {all && (
          <p className="muted" role="status">
            One voice at least must stay; to change the name of all, rename.
          </p>
        )}
        <FieldError error={split.error} />
        <div className="dialog-actions">
          <Button onClick={onClose}>Cancel</Button>
          <Button
            look="primary"
            icon="split"
            type="submit"
            disabled={split.isPending || chosen.size === 0 || all}
          >
            {chosen.size > 0 ? `Split out ${plural(chosen.size, 'voice')}` : 'Split out'}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
