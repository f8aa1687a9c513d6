import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import { Link } from 'wouter';
import { ConfirmDialog } from '../../components/dialog';
import { Icon } from '../../components/icon';
import { tellError } from '../../components/toasts';
import { formatCount, formatExact, plural } from '../../format';
import { type ErasureProof, erasePerson, type Person, personName } from '../../services/people';
import { refreshNames } from '../../services/speakers';

interface EraseDialogProps {
  person: Person;
  onClose: () => void;
  onErased: (proof: ErasureProof) => void;
}

/** What goes, what stays, and that it is for good. */
export function describeErasure(person: Person): string {
  return (
    `The name, ${plural(person.voiceprints_count, 'voiceprint')} and the keys to them, and what ` +
    `the history knew of this voice are removed everywhere. In ` +
    `${plural(person.videos_count, 'recording')} the speaker becomes an unknown voice that is ` +
    'never matched again; what was said stays. This cannot be undone.'
  );
}

export function EraseDialog({ person, onClose, onErased }: EraseDialogProps) {
  const client = useQueryClient();
  const erase = useMutation({
    mutationFn: () => erasePerson(person.person_id),
    onSuccess: (proof) => {
      onErased(proof);
      client.removeQueries({ queryKey: ['person', person.person_id] });
      client.removeQueries({ queryKey: ['events', person.person_id] });
      refreshNames(client);
    },
    onError: tellError,
  });
  return (
    <ConfirmDialog
      open
      onClose={onClose}
      onConfirm={() => erase.mutate()}
      busy={erase.isPending}
      title={`Erase ${personName(person)}?`}
      consequence={describeErasure(person)}
      action="Erase for good"
    />
  );
}

/** Where was looked, what was found and removed, and what a second look found. */
export function Proof({ name, proof }: { name: string; proof: ErasureProof }) {
  useEffect(() => {
    document.title = 'Erased · Narralytica';
  }, []);
  return (
    <div className="page">
      <h1>{name} is erased</h1>
      <p className={proof.complete ? 'bar proof-complete' : 'bar bar-bad'} role="status">
        <Icon name={proof.complete ? 'check' : 'alert'} size={16} />
        {proof.complete
          ? 'A second look found nothing anywhere.'
          : 'A second look still found something: erase again, or ask for help.'}
      </p>
      <p className="muted">
        {formatExact(proof.erased_at)}. {plural(proof.video_ids.length, 'recording')} now{' '}
        {proof.video_ids.length === 1 ? 'has' : 'have'} an unknown voice instead.
      </p>
      <div className="table-frame">
        <table className="table" aria-label="Proof of the erasure">
          <thead>
            <tr>
              <th scope="col">Where</th>
              <th scope="col">What</th>
              <th scope="col" className="table-number">
                Found
              </th>
              <th scope="col" className="table-number">
                Removed
              </th>
              <th scope="col" className="table-number">
                Left
              </th>
            </tr>
          </thead>
          <tbody>
            {proof.places.map((place) => (
              <tr key={`${place.place} ${place.what}`}>
                <td>
                  <code>{place.place}</code>
                </td>
                <td className="grow">{place.what}</td>
                <td className="table-number number">
                  {formatCount(place.found)}
                  <span className="table-unit muted"> found</span>
                </td>
                <td className="table-number number">
                  {formatCount(place.removed)}
                  <span className="table-unit muted"> removed</span>
                </td>
                <td className="table-number number">
                  {formatCount(place.left)}
                  <span className="table-unit muted"> left</span>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <Link href="/people">All people</Link>
    </div>
  );
}
