export { planOf, type Act, type Blow, type PlanOptions } from './plan.ts'
export { createSupervisor, type CarryOut, type Struck, type Supervisor } from './supervisor.ts'
