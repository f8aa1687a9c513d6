import { useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { Link, useLocation } from 'wouter';
import '../../styles/people.css';
import { Icon } from '../../components/icon';
import { ErrorNotice, Skeleton } from '../../components/list_state';
import { Time } from '../../components/time';
import { useKeys } from '../../components/use_keys';
import { formatDuration, plural } from '../../format';
import { ApiError } from '../../services/http';
import {
  type ErasureProof,
  type Person,
  type Profile,
  personName,
  personQuery,
} from '../../services/people';
import { Appearances } from './appearances';
import { Compare } from './compare';
import { ConsentField } from './consent_field';
import { Proof } from './erase_dialog';
import { History } from './history';
import { PersonMenu } from './person_menu';
import { SpeaksWith } from './speaks_with';
import { TalkByMonth } from './talk_by_month';

interface Erased {
  name: string;
  proof: ErasureProof;
}

export default function PersonPage({ personId }: { personId: string }) {
  const [erased, setErased] = useState<Erased | null>(null);
  if (erased) return <Proof {...erased} />;
  return <KnownPerson personId={personId} onErased={setErased} />;
}

interface KnownPersonProps {
  personId: string;
  onErased: (erased: Erased) => void;
}

function KnownPerson({ personId, onErased }: KnownPersonProps) {
  const profile = useQuery(personQuery(personId));
  const [, navigate] = useLocation();
  const id = profile.data?.person.person_id;
  // Merged into somebody: the address becomes theirs.
  useEffect(() => {
    if (id !== undefined && id !== personId) navigate(`/people/${id}`, { replace: true });
  }, [id, personId, navigate]);
  if (profile.isPending) return <Skeleton rows={8} />;
  if (profile.isError) {
    return (
      <div className="page">
        <ErrorNotice
          error={profile.error}
          onRetry={() => void profile.refetch()}
          action={isGone(profile.error) && <Link href="/people">All people</Link>}
        />
      </div>
    );
  }
  return <LoadedPerson profile={profile.data} onErased={onErased} />;
}

const isGone = (error: Error) => error instanceof ApiError && error.status === 404;

interface LoadedPersonProps {
  profile: Profile;
  onErased: (erased: Erased) => void;
}

function LoadedPerson({ profile, onErased }: LoadedPersonProps) {
  const { person, appearances } = profile;
  const [, navigate] = useLocation();
  const name = personName(person);
  useEffect(() => {
    document.title = `${name} · Narralytica`;
  }, [name]);
  useKeys({ Escape: () => navigate('/people') });
  return (
    <div className="page person">
      <header className="person-head">
        <Link href="/people" className="back-link">
          <Icon name="back" size={16} />
          People
        </Link>
        <div className="panel-row">
          <h1>{name}</h1>
          <PersonMenu profile={profile} onErased={(proof) => onErased({ name, proof })} />
        </div>
        <Figures person={person} />
        <ConsentField person={person} />
      </header>
      <Appearances person={person} appearances={appearances} />
      <Compare person={person} appearances={appearances} />
      <div className="person-columns">
        <TalkByMonth months={profile.talk_by_month} />
        <SpeaksWith others={profile.speaks_with} />
      </div>
      <History person={person} appearances={appearances} />
    </div>
  );
}

function Figures({ person }: { person: Person }) {
  return (
    <p className="summary person-figures">
      {person.state === 'unknown' && <strong>nobody has named this voice</strong>}
      <span>
        <strong>{formatDuration(person.speech_ms)}</strong> of talk time
      </span>
      <span>{plural(person.videos_count, 'recording')}</span>
      {person.first_seen_at && (
        <span>
          first heard <Time value={person.first_seen_at} />
        </span>
      )}
      {person.last_seen_at && (
        <span>
          last heard <Time value={person.last_seen_at} />
        </span>
      )}
      <span title="Voices that new recordings are compared with">
        {plural(person.voiceprints_count, 'voiceprint')}
      </span>
    </p>
  );
}
