import { useIdentityAction } from '../../components/use_identity_action';
import { useMay } from '../../components/use_may';
import { type Consent, changePerson, MAY_CHANGE, type Person } from '../../services/people';

const CONSENTS: Readonly<Record<Consent, { label: string; means: string }>> = {
  unknown: {
    label: 'not asked',
    means: 'The voice is looked for in new recordings; nobody has noted whether that is agreed to.',
  },
  granted: { label: 'agreed', means: 'The voice is looked for in new recordings.' },
  denied: { label: 'refused', means: 'The voice is no longer looked for in new recordings.' },
};

/** Whether the person agrees to be recognised, and what follows from it. */
export function ConsentField({ person }: { person: Person }) {
  const mayChange = useMay(MAY_CHANGE);
  const change = useIdentityAction({
    act: (consent: Consent) => changePerson(person.person_id, { consent }),
    said: (consent) => `Recognition by voice: ${CONSENTS[consent].label}`,
  });
  const consent = change.isPending ? change.variables : person.consent;
  return (
    <div className="consent">
      <label className="consent-label">
        <span>Recognition by voice</span>
        <select
          className="select select-small"
          value={consent}
          disabled={!mayChange || change.isPending}
          onChange={(event) => {
            const next = event.target.value;
            if (next === 'unknown' || next === 'granted' || next === 'denied') change.mutate(next);
          }}
        >
          {Object.entries(CONSENTS).map(([value, { label }]) => (
            <option key={value} value={value}>
              {label}
            </option>
          ))}
        </select>
      </label>
      <span className="muted small">{CONSENTS[consent].means}</span>
    </div>
  );
}
