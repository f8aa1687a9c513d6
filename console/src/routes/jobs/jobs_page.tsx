import { useQuery } from '@tanstack/react-query';
import { useEffect } from 'react';
import { Link } from 'wouter';
import '../../styles/library.css';
import { ListState, Notice } from '../../components/list_state';
import { Pager } from '../../components/pager';
import { Segmented } from '../../components/segmented';
import { describeProgress, ProgressBar, StatusBadge, stageName } from '../../components/status';
import { Time } from '../../components/time';
import { oneOf, pageOf, useUrlState } from '../../components/use_url_state';
import { formatCount } from '../../format';
import { type Job, type JobStatus, jobsQuery } from '../../services/jobs';
import { videoQuery } from '../../services/videos';
import { JobDrawer } from './job_drawer';

const PAGE_SIZE = 25;
const SHOWN = ['all', 'open', 'failed', 'succeeded', 'canceled'] as const;
const STATUSES: Readonly<Record<(typeof SHOWN)[number], readonly JobStatus[]>> = {
  all: [],
  open: ['queued', 'running'],
  failed: ['failed'],
  succeeded: ['succeeded'],
  canceled: ['canceled'],
};

export default function JobsPage() {
  const [parameters, setUrl] = useUrlState();
  const shown = oneOf(parameters.get('show'), SHOWN);
  const page = pageOf(parameters);
  const openJob = parameters.get('job');
  const jobs = useQuery(
    jobsQuery({ status: STATUSES[shown], limit: PAGE_SIZE, offset: (page - 1) * PAGE_SIZE }),
  );
  const open = useCount('open');
  const failed = useCount('failed');
  useEffect(() => {
    document.title = 'Jobs · Narralytica';
  }, []);
  return (
    <div className="page">
      <div className="page-head">
        <h1>Jobs</h1>
        <Segmented
          label="Show"
          value={shown}
          choices={[
            { value: 'all', label: 'All' },
            { value: 'open', label: withCount('Open', open) },
            { value: 'failed', label: withCount('Failed', failed) },
            { value: 'succeeded', label: 'Done' },
            { value: 'canceled', label: 'Canceled' },
          ]}
          onChange={(next) => setUrl({ show: next === 'all' ? null : next, page: null })}
        />
      </div>
      <ListState
        query={jobs}
        rows={10}
        empty={
          <Notice icon="jobs" title={shown === 'all' ? 'No jobs yet' : 'No such jobs'}>
            {shown === 'all'
              ? 'Every recording that is added makes some: preparing, transcribing, indexing.'
              : 'That can be good news.'}
          </Notice>
        }
      >
        {({ items, page: { total } }) => (
          <>
            <div className="table-frame">
              <table className="table" aria-busy={jobs.isPlaceholderData}>
                <thead>
                  <tr>
                    <th scope="col">Step</th>
                    <th scope="col">Recording</th>
                    <th scope="col">State</th>
                    <th scope="col" className="table-number">
                      Attempts
                    </th>
                    <th scope="col">Changed</th>
                  </tr>
                </thead>
                <tbody>
                  {items.map((job) => (
                    <JobRow key={job.id} job={job} onOpen={() => setUrl({ job: job.id })} />
                  ))}
                </tbody>
              </table>
            </div>
            <Pager
              page={page}
              size={PAGE_SIZE}
              total={total}
              onPage={(next) => setUrl({ page: next === 1 ? null : next })}
            />
          </>
        )}
      </ListState>
      {openJob && <JobDrawer jobId={openJob} onClose={() => setUrl({ job: null })} />}
    </div>
  );
}

/** What waits or needs somebody, whatever is shown; undefined until it is known. */
function useCount(shown: 'open' | 'failed'): number | undefined {
  return useQuery(jobsQuery({ status: STATUSES[shown], limit: 1 })).data?.page.total;
}

const withCount = (label: string, count: number | undefined) =>
  count ? `${label} ${formatCount(count)}` : label;

function JobRow({ job, onOpen }: { job: Job; onOpen: () => void }) {
  return (
    <tr>
      <td className="table-nowrap">
        <button type="button" className="link-button" onClick={onOpen}>
          {stageName(job)}
        </button>
      </td>
      <td className="grow">
        <VideoTitle videoId={job.video_id} />
      </td>
      <td className={job.status === 'running' || job.error ? 'table-wide' : undefined}>
        <StatusBadge status={job.status} />
        {job.status === 'running' && (
          <span className="table-progress">
            <ProgressBar fraction={job.progress.fraction} label={stageName(job)} />
            <span className="muted number">{describeProgress(job.progress)}</span>
          </span>
        )}
        {job.error && <span className="table-note muted">{job.error.message}</span>}
      </td>
      <td className="table-number number">
        {job.attempts} of {job.attempts_max}
        <span className="table-unit muted"> attempts</span>
      </td>
      <td className="muted table-nowrap table-end">
        <Time value={job.updated_at} />
      </td>
    </tr>
  );
}

export function VideoTitle({ videoId }: { videoId: string }) {
  const video = useQuery(videoQuery(videoId));
  if (video.isError) return <span className="muted">no longer there</span>;
  return <Link href={`/videos/${videoId}`}>{video.data?.title ?? '…'}</Link>;
}
