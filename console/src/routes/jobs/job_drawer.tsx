import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Button } from '../../components/button';
import { Dialog } from '../../components/dialog';
import { ErrorNotice, Skeleton, sentence } from '../../components/list_state';
import { describeProgress, StatusBadge, stageName } from '../../components/status';
import { Time } from '../../components/time';
import { tell, tellError } from '../../components/toasts';
import { useMay } from '../../components/use_may';
import { formatDuration } from '../../format';
import {
  cancelJob,
  type Job,
  type JobRunList,
  jobEventsQuery,
  jobQuery,
  jobRunsQuery,
  retryJob,
} from '../../services/jobs';
import type { StageError } from '../../services/videos';
import { VideoTitle } from './jobs_page';

export function JobDrawer({ jobId, onClose }: { jobId: string; onClose: () => void }) {
  const job = useQuery(jobQuery(jobId));
  return (
    <Dialog side open onClose={onClose} title={job.data ? stageName(job.data) : 'Job'}>
      {job.isPending && <Skeleton />}
      {job.isError && <ErrorNotice error={job.error} onRetry={() => void job.refetch()} />}
      {job.data && <JobDetails job={job.data} />}
    </Dialog>
  );
}

function JobDetails({ job }: { job: Job }) {
  const runs = useQuery(jobRunsQuery(job.id));
  const events = useQuery(jobEventsQuery(job.id));
  const isOpen = job.status === 'queued' || job.status === 'running';
  return (
    <>
      <p className="row-meta">
        <StatusBadge status={job.status} />
        <VideoTitle videoId={job.video_id} />
        {job.status === 'running' && (
          <span className="muted">{describeProgress(job.progress)}</span>
        )}
        {job.status === 'queued' && job.attempts > 0 && (
          <span className="muted">
            tried again <Time value={job.run_at} />
          </span>
        )}
      </p>
      {job.error && <ErrorBox error={job.error} final={job.dead_letter} />}
      <JobActions job={job} isOpen={isOpen} />
      <h3>Attempts</h3>
      {runs.isPending && <Skeleton rows={2} />}
      {runs.isError && <ErrorNotice error={runs.error} onRetry={() => void runs.refetch()} />}
      {runs.data && <Runs runs={runs.data.items} />}
      <h3>Events</h3>
      {events.isPending && <Skeleton rows={3} />}
      {events.isError && <ErrorNotice error={events.error} onRetry={() => void events.refetch()} />}
      {events.data && (
        <ol className="timeline">
          {events.data.items.map((event) => (
            <li key={event.id}>
              <code>{event.event_type}</code> <Time value={event.created_at} />
            </li>
          ))}
        </ol>
      )}
      <p className="muted small">
        Job <code>{job.id}</code>
      </p>
    </>
  );
}

function ErrorBox({ error, final }: { error: StageError; final: boolean }) {
  return (
    <div className="bar bar-bad">
      <div>
        <p>
          <strong>{sentence(error.message)}</strong>{' '}
          {error.details?.hint && sentence(error.details.hint)}
        </p>
        <p className="small">
          {final ? 'It is not tried again by itself. ' : 'It is tried again by itself. '}
          Code <code>{error.code}</code>, correlation <code>{error.correlation_id}</code>.
        </p>
      </div>
    </div>
  );
}

function JobActions({ job, isOpen }: { job: Job; isOpen: boolean }) {
  const client = useQueryClient();
  const act = useMutation({
    mutationFn: isOpen ? cancelJob : retryJob,
    onSuccess: (changed) => {
      client.setQueryData(jobQuery(job.id).queryKey, changed);
      tell(isOpen ? 'Cancelled as soon as it reaches a stop' : 'Started again');
      return client.invalidateQueries({ queryKey: ['jobs'] });
    },
    onError: tellError,
  });
  const mayAct = useMay('write:jobs');
  if (job.status === 'succeeded' || !mayAct) return null;
  return (
    <p>
      <Button
        icon={isOpen ? 'close' : 'retry'}
        disabled={act.isPending}
        onClick={() => act.mutate(job.id)}
      >
        {isOpen ? 'Cancel' : 'Retry'}
      </Button>
    </p>
  );
}

function Runs({ runs }: { runs: JobRunList['items'] }) {
  if (runs.length === 0) return <p className="muted">None yet; it waits for a worker.</p>;
  return (
    <ol className="timeline">
      {runs.map((run) => (
        <li key={run.id}>
          <span className="row-meta">
            <span className="number">No. {run.attempt}</span>
            {run.status === 'released' ? (
              <span className="muted">given back</span>
            ) : (
              <StatusBadge status={run.status} />
            )}
            <Time value={run.started_at} />
            {run.finished_at && (
              <span className="muted number">
                took {formatDuration(Date.parse(run.finished_at) - Date.parse(run.started_at))}
              </span>
            )}
          </span>
          {run.error && <p className="muted">{sentence(run.error.message)}</p>}
        </li>
      ))}
    </ol>
  );
}
