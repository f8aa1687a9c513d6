import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Button } from '../../components/button';
import { sentence } from '../../components/list_state';
import { describeProgress, ProgressBar, StatusBadge, stageName } from '../../components/status';
import { tell, tellError } from '../../components/toasts';
import { useMay } from '../../components/use_may';
import { retryJob } from '../../services/jobs';
import type { Stage } from '../../services/videos';

/** What is done, what runs, what waits, and what failed with the way on. */
export function Stages({ stages, videoId }: { stages: readonly Stage[]; videoId: string }) {
  return (
    <ol className="stages" aria-label="Processing">
      {stages.map((stage) => (
        <StageItem key={`${stage.type}:${stage.kind}`} stage={stage} videoId={videoId} />
      ))}
    </ol>
  );
}

function StageItem({ stage, videoId }: { stage: Stage; videoId: string }) {
  const client = useQueryClient();
  const name = stageName(stage);
  const retry = useMutation({
    mutationFn: retryJob,
    onSuccess: () => {
      tell(`${name}: started again`);
      return client.invalidateQueries({ queryKey: ['video', videoId] });
    },
    onError: tellError,
  });
  const mayRetry = useMay('write:jobs');
  const { error, job_id: jobId } = stage;
  const ended = stage.status === 'failed' || stage.status === 'canceled';
  return (
    <li className="stage">
      <div className="stage-head">
        <span>{name}</span>
        <StatusBadge status={stage.status} />
      </div>
      {stage.status === 'running' && (
        <>
          <ProgressBar fraction={stage.progress.fraction} label={name} />
          <span className="muted">{describeProgress(stage.progress)}</span>
        </>
      )}
      {error && (
        <p className={ended ? 'stage-error' : 'muted'}>
          {sentence(error.message)} {error.details?.hint && sentence(error.details.hint)}
        </p>
      )}
      {ended && jobId && mayRetry && (
        <Button icon="retry" disabled={retry.isPending} onClick={() => retry.mutate(jobId)}>
          Retry
        </Button>
      )}
    </li>
  );
}
