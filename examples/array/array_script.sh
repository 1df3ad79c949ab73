#!/bin/bash
#SBATCH --job-name=digits
#SBATCH --time=00:10:00
#SBATCH --array=1-20%4
#
# Task N takes line N of params.txt, "NAME NUMBER", and prints the sum of the number's digits.

cd "${SLURM_SUBMIT_DIR:-.}" || exit
read -r name number <<<"$(sed -n "${SLURM_ARRAY_TASK_ID}p" params.txt)"
[[ -n $number ]] || { echo "params.txt has no line $SLURM_ARRAY_TASK_ID" >&2 && exit 1; }

sum=0
for ((i = 0; i < ${#number}; i++)); do
    ((sum += ${number:i:1}))
done
echo "$SLURM_ARRAY_TASK_ID of $SLURM_ARRAY_TASK_COUNT: $name $sum"
